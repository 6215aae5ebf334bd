/** Keys of nodes: `step:b` in the workflow itself, `a/step:b` in the workflow that step `a` runs. Of wires: `wire:` and both ends. */

/** The key of the step that has the node in its sub-workflow, or undefined at the outermost level. */
export function parentKey(key: string): string | undefined {
  const slash = key.lastIndexOf("/", key.lastIndexOf(":"));
  if (slash < 0) return undefined;
  const path = key.slice(0, slash).split("/");
  const id = path.pop();
  return [...path, `step:${id}`].join("/");
}

/** The steps that must be open for the node to be seen, outermost first. */
export function parentKeys(key: string): string[] {
  const keys: string[] = [];
  for (let parent = parentKey(key); parent; parent = parentKey(parent)) keys.unshift(parent);
  return keys;
}

export function wireKey(from: { node: string; port: string }, to: { node: string; port: string }): string {
  return `wire:${from.node}.${from.port} > ${to.node}.${to.port}`;
}

export function isWire(key: string): boolean {
  return key.startsWith("wire:");
}
