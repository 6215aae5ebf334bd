/** The documents of the folder, to resolve `run`. */
import type { DocumentEntry } from "../api/types";
import { type Face, faceFromPorts, faceOf, mainPath } from "../document/process";
import { readType, formatType } from "../document/types";
import { type Value, at, isFields, text } from "../document/value";
import type { Found, Library } from "../document/workflow";

export class DocumentLibrary implements Library {
  private readonly byPath: Map<string, DocumentEntry>;
  private readonly found = new Map<string, Found>();

  constructor(
    readonly entries: readonly DocumentEntry[],
    private readonly values: ReadonlyMap<string, Value> = new Map(),
    before?: DocumentLibrary,
  ) {
    this.byPath = new Map(entries.map((entry) => [entry.path, entry]));
    // An unchanged document stays the same object, so that nothing is rendered again for it.
    for (const [path, one] of before?.found ?? []) {
      if (before!.byPath.get(path) === this.byPath.get(path) && before!.values.get(path) === values.get(path))
        this.found.set(path, one);
    }
  }

  find(from: string, run: string): Found | undefined {
    const [file = "", fragment] = run.split("#");
    const path = resolve(from, file);
    if (path === undefined) return undefined;
    const name = fragment ? `${path}#${fragment}` : path;
    const known = this.found.get(name);
    if (known) return known;
    const made = this.make(path, fragment);
    if (made) this.found.set(name, made);
    return made;
  }

  entry(path: string): DocumentEntry | undefined {
    return this.byPath.get(path);
  }

  /** The library with the current documents; equal entries stay the same objects. */
  with(entries: readonly DocumentEntry[]): DocumentLibrary {
    const kept = entries.map((entry) => {
      const old = this.byPath.get(entry.path);
      return old && JSON.stringify(old) === JSON.stringify(entry) ? old : entry;
    });
    const values = new Map(
      [...this.values].filter(([path]) => kept.some((entry) => entry.path === path && entry === this.byPath.get(path))),
    );
    return new DocumentLibrary(kept, values, this);
  }

  withValue(path: string, value: Value): DocumentLibrary {
    return new DocumentLibrary(this.entries, new Map(this.values).set(path, value), this);
  }

  has(path: string): boolean {
    return this.values.has(path);
  }

  private make(path: string, fragment: string | undefined): Found | undefined {
    const entry = this.byPath.get(path);
    const value = this.values.get(path);
    if (value !== undefined) {
      const process = fragment ? packedProcess(value, fragment) : mainPath(value);
      const fields = process && at(value, process);
      if (process && isFields(fields)) return { path, face: faceOf(fields), value, process };
    }
    return entry && !entry.error && !fragment ? { path, face: faceOfEntry(entry) } : undefined;
  }
}

export function faceOfEntry(entry: DocumentEntry): Face {
  const more = { label: entry.label ?? "", doc: entry.doc ?? "", hint: entry.hint ?? "" };
  return faceFromPorts(entry.class, entry.inputs, entry.outputs, more);
}

/** The inputs and outputs with their types, in two lines. */
export function signatureOf(entry: DocumentEntry): string {
  const ports = (all: DocumentEntry["inputs"]) =>
    all.map((port) => `${port.id}: ${formatType(readType(port.type))}`).join(", ") || "nothing";
  return `takes ${ports(entry.inputs)}\ngives ${ports(entry.outputs)}`;
}

function packedProcess(value: Value, id: string): (string | number)[] | undefined {
  const packed = isFields(value) ? value["$graph"] : undefined;
  const index = Array.isArray(packed)
    ? packed.findIndex((one) => isFields(one) && text(one["id"]).replace(/^#/, "") === id)
    : -1;
  return index < 0 ? undefined : ["$graph", index];
}

const SHIPPED = "shipped:";

/** The path of a document that another names; undefined where that is outside of the folder. */
export function resolve(from: string, address: string): string | undefined {
  if (!address) return from;
  if (/^[a-z][a-z0-9+.-]*:/i.test(address) || address.startsWith("/")) return undefined;
  const shipped = from.startsWith(SHIPPED);
  const parts = from
    .slice(shipped ? SHIPPED.length : 0)
    .split("/")
    .slice(0, -1);
  for (const part of address.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") {
      if (parts.length === 0) return undefined;
      parts.pop();
    } else parts.push(part);
  }
  return (shipped ? SHIPPED : "") + parts.join("/");
}

/** The reference to the document at `to` in the one at `from`. */
export function relativePath(from: string, to: string): string {
  const start = from.split("/").slice(0, -1);
  const end = to.split("/");
  let same = 0;
  while (same < start.length && same < end.length - 1 && start[same] === end[same]) same++;
  return [...start.slice(same).map(() => ".."), ...end.slice(same)].join("/");
}
