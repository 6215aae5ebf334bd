/** Hints and requirements of a process or step, in a list or a map. */
import { type Change, type Fields, type Path, type Value, at, isFields } from "../value";
import { NAMESPACES, rootNamespace } from "./namespaces";

type Section = "hints" | "requirements";

interface Owner {
  fields: Fields;
  path: Path;
}

/** Where a hint or requirement is, in a list or a map. */
export function hintPath(hints: Value | undefined, path: Path, name: string): Path | undefined {
  if (Array.isArray(hints)) {
    const index = hints.findIndex((one) => isFields(one) && one["class"] === name);
    return index < 0 ? undefined : [...path, index];
  }
  return isFields(hints) && name in hints ? [...path, name] : undefined;
}

export function hintFields(hints: Value | undefined, name: string): Fields | undefined {
  const path = hintPath(hints, [], name);
  const found = path && at(hints, path);
  return path ? (isFields(found) ? found : {}) : undefined;
}

export function addHint(hints: Value | undefined, path: Path, name: string, fields: Fields): Change[] {
  if (isFields(hints) && Object.keys(hints).length) return [{ do: "set", path: [...path, name], value: fields }];
  const value = { class: name, ...fields };
  return Array.isArray(hints) ? [{ do: "append", path, value }] : [{ do: "set", path, value: [value] }];
}

/** Sets fields of a hint or requirement of a process or step; an empty one is removed, unless it is to `stay`. */
export function setHint(
  root: Value,
  owner: Owner,
  name: string,
  fields: { [key: string]: Value | undefined },
  { where = "hints", stay = false }: { where?: Section; stay?: boolean } = {},
): Change[] {
  const hints = owner.fields[where];
  const here = [...owner.path, where];
  const path = hintPath(hints, here, name);
  const now = hintFields(hints, name);
  const values = Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, Value] => entry[1] !== undefined),
  );
  const prefix = name.includes(":") ? name.slice(0, name.indexOf(":")) : "";
  const names = prefix in NAMESPACES ? rootNamespace(root, prefix) : [];
  if (!path || !now) {
    if (!Object.keys(values).length && !stay) return [];
    return [...addHint(hints, here, name, values), ...names];
  }
  const left = Object.keys({ ...now, ...values }).filter(
    (key) => key !== "class" && !(key in fields && fields[key] === undefined),
  );
  if (!left.length && !stay) return removeHint(owner, name, where);
  const raw = at(root, path);
  if (!isFields(raw)) return [{ do: "set", path, value: values }];
  return Object.entries(fields).flatMap(([key, value]): Change[] => {
    if (value !== undefined) return [{ do: "set", path: [...path, key], value }];
    return key in now ? [{ do: "delete", path: [...path, key] }] : [];
  });
}

export function removeHint(owner: Owner, name: string, where: Section = "hints"): Change[] {
  const hints = owner.fields[where];
  const path = hintPath(hints, [...owner.path, where], name);
  if (!path) return [];
  const count = Array.isArray(hints) ? hints.length : Object.keys(hints as Fields).length;
  return [{ do: "delete", path: count === 1 ? [...owner.path, where] : path }];
}
