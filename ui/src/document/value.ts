/** Plain values of a document, and changes to them; unchanged parts stay the same objects. */

export type Value = null | boolean | number | string | Value[] | { [key: string]: Value };
export type Fields = { [key: string]: Value };
export type Path = readonly (string | number)[];

/** One change; all paths of a list of changes are those before any of them. */
export type Change =
  | {
      do: "set";
      path: Path;
      value: Value;
      /** A new key comes behind the last of these that is there. */ after?: readonly string[];
    }
  | { do: "delete"; path: Path }
  | { do: "append"; path: Path; value: Value }
  | { do: "rename"; path: Path; key: string };

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function at(value: Value | undefined, path: Path): Value | undefined {
  let found = value;
  for (const step of path) {
    if (Array.isArray(found)) found = found[Number(step)];
    else if (isFields(found)) found = Object.hasOwn(found, step) ? found[step] : undefined;
    else return undefined;
  }
  return found;
}

export function text(value: Value | undefined): string {
  return typeof value === "string"
    ? value
    : typeof value === "number" || typeof value === "boolean"
      ? String(value)
      : "";
}

/** Any value as text: strings as they are, objects and lists as JSON. */
export function formatValue(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

export function list(value: Value | undefined): Value[] {
  return value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];
}

export function sameValue(one: Value | undefined, other: Value | undefined): boolean {
  if (one === other) return true;
  if (Array.isArray(one)) {
    return (
      Array.isArray(other) && one.length === other.length && one.every((item, index) => sameValue(item, other[index]))
    );
  }
  if (!isFields(one) || !isFields(other) || Array.isArray(other)) return false;
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && sameValue(one[key], other[key]))
  );
}

/** Each place is set once: lists that are to be made are made with all that comes into them. */
export function mergeChanges(changes: readonly Change[]): Change[] {
  const found = new Map<string, Change>();
  for (const change of changes) {
    const name = JSON.stringify(change.path);
    const key =
      change.do === "append"
        ? `${name} ${JSON.stringify(change.value)}`
        : `${change.do === "rename" ? "rename" : "value"} ${name}`;
    const other = found.get(change.do === "append" ? `value ${name}` : key);
    if (other?.do === "set" && change.do === "append" && Array.isArray(other.value)) {
      found.set(`value ${name}`, { ...other, value: unionOfLists(other.value, [change.value]) });
    } else if (
      other?.do === "set" &&
      change.do === "set" &&
      Array.isArray(other.value) &&
      Array.isArray(change.value)
    ) {
      found.set(key, { ...other, value: unionOfLists(other.value, change.value) });
    } else if (other?.do === "set" && change.do === "set" && isFields(other.value) && isFields(change.value)) {
      found.set(key, { ...other, value: { ...other.value, ...change.value } });
    } else found.set(key, change);
  }
  return [...found.values()];
}

function unionOfLists(one: Value[], other: Value[]): Value[] {
  return [...one, ...other.filter((item) => !one.some((known) => sameValue(known, item)))];
}

interface Tree {
  changes: Change[];
  below: Map<string | number, Tree>;
}

/** The value after the changes; unchanged parts stay the same objects. */
export function applyChanges(value: Value, changes: readonly Change[]): Value {
  const tree: Tree = { changes: [], below: new Map() };
  for (const change of changes) {
    let here = tree;
    const path = change.do === "append" ? change.path : change.path.slice(0, -1);
    for (const step of path) {
      if (!here.below.has(step)) here.below.set(step, { changes: [], below: new Map() });
      here = here.below.get(step)!;
    }
    here.changes.push(change);
  }
  return applyTree(value, tree);
}

function applyTree(value: Value, tree: Tree): Value {
  if (Array.isArray(value)) {
    const items = value.map((item, index) => (tree.below.has(index) ? applyTree(item, tree.below.get(index)!) : item));
    const gone = new Set<number>();
    for (const change of tree.changes) {
      const index = Number(change.path.at(-1));
      if (change.do === "set") items[index] = change.value;
      else if (change.do === "append") items.push(change.value);
      else if (change.do === "delete") gone.add(index);
    }
    return gone.size ? items.filter((_, index) => !gone.has(index)) : items;
  }
  const names = new Map<string, string>();
  for (const change of tree.changes) if (change.do === "rename") names.set(String(change.path.at(-1)), change.key);
  const entries = new Map<string, Value>();
  for (const [key, old] of Object.entries(isFields(value) ? value : {})) {
    entries.set(names.get(key) ?? key, tree.below.has(key) ? applyTree(old, tree.below.get(key)!) : old);
  }
  for (const [key, below] of tree.below)
    if (!isFields(value) || !Object.hasOwn(value, key)) entries.set(String(key), applyTree({}, below));
  for (const change of tree.changes) {
    const key = String(change.path.at(-1));
    if (change.do === "set") entries.set(key, change.value);
    else if (change.do === "delete") entries.delete(key);
    else if (change.do === "append") return [change.value];
  }
  return Object.fromEntries(entries);
}
