/** Named items, which CWL documents write as lists or as maps, and the names in them. */
import { type Fields, type Path, type Value, isFields, text } from "./value";

export interface Item {
  id: string;
  path: Path;
  /** The fields; a short form such as `x: File` has them spelled out. */
  fields: Fields;
  /** Whether it is written in a short form. */
  short: boolean;
  /** The value in the document; the same object until it is edited. */
  value: Value;
}

/** `key` is the field that holds the name, `main` the one that a short form stands for. */
export function items(value: Value | undefined, path: Path, key: string, main: string): Item[] {
  if (Array.isArray(value)) {
    return value.flatMap((one, index): Item[] => {
      const here = [...path, index];
      if (typeof one === "string")
        return [{ id: localName(one), path: here, fields: { [key]: one }, short: true, value: one }];
      if (!isFields(one) || !(key in one)) return [];
      return [{ id: localName(text(one[key])), path: here, fields: one, short: false, value: one }];
    });
  }
  if (!isFields(value)) return [];
  return Object.entries(value).flatMap(([id, one]) => {
    if (id === "$import" || id === "$mixin" || id === "$include") return [];
    const whole = isFields(one) && !(main === "type" && ("items" in one || "symbols" in one));
    return [
      {
        id: localName(id),
        path: [...path, id],
        fields: whole ? one : { [main]: one },
        short: !whole,
        value: one,
      },
    ];
  });
}

/** `#main/step/port` is `port`. */
export function localName(id: string): string {
  const behind = id.slice(id.indexOf("#") + 1);
  return behind.slice(behind.lastIndexOf("/") + 1);
}

/** How a process writes its names: in packed documents they have a prefix such as `#main/`. */
export interface Scope {
  /** The id of the process without `#`; "" where it has none. */
  id: string;
  packed: boolean;
}

export function scopeOf(process: Fields, isPacked: boolean): Scope {
  const id = text(process["id"]);
  return { id: id.replace(/^#/, ""), packed: isPacked && id.startsWith("#") };
}

/** A source as `input` or `step/output`, whichever way it is written. */
export function parseReference(scope: Scope, source: string): { step: string; port: string } {
  let name = source.slice(source.indexOf("#") + 1);
  if (scope.id && source.startsWith("#") && name.startsWith(`${scope.id}/`)) name = name.slice(scope.id.length + 1);
  const slash = name.lastIndexOf("/");
  return slash < 0 ? { step: "", port: name } : { step: name.slice(0, slash), port: name.slice(slash + 1) };
}

/** How a reference is written in this process, after the fashion of `like`. */
export function formatReference(scope: Scope, at: { step: string; port: string }, like?: string): string {
  const name = at.step ? `${at.step}/${at.port}` : at.port;
  if (like === undefined ? !scope.packed : !like.startsWith("#")) return name;
  const prefix = like === undefined || like.startsWith(`#${scope.id}/`) ? `${scope.id}/` : "";
  return `#${prefix}${name}`;
}

/** How a new name is written in this process. */
export function formatId(scope: Scope, ...names: string[]): string {
  return scope.packed ? `#${[scope.id, ...names].join("/")}` : names.at(-1)!;
}

/** A valid name of CWL, without characters that would be ambiguous in references. */
export function nameError(id: string): string | undefined {
  if (!id.trim()) return "A name is needed.";
  if (/[/#\s]/.test(id)) return "A name has no spaces, no / and no #.";
  if (/^(\$|__proto__$|constructor$)/.test(id)) return "This name has a meaning of its own; take another.";
  return undefined;
}

export function freeName(wanted: string, taken: Iterable<string>): string {
  const known = new Set(taken);
  const clean = wanted.replace(/[^\w-]+/g, "_").replace(/^_+|_+$/g, "") || "step";
  let name = clean;
  for (let number = 2; known.has(name); number++) name = `${clean}_${number}`;
  return name;
}
