/** Sets of keys: what is selected, or opened. */

export type Keys = ReadonlySet<string>;

export const NO_KEYS: Keys = new Set();

/** With the key where it was not, without it where it was. */
export function toggled(keys: Keys, key: string): Keys {
  const next = new Set(keys);
  if (!next.delete(key)) next.add(key);
  return next;
}

export function sameKeys(one: Keys, other: Keys): boolean {
  return one.size === other.size && [...one].every((key) => other.has(key));
}
