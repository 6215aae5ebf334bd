/** Prefixes of extensions; a document declares each once. */
import { type Change, type Value, isFields } from "../value";
import type { Workflow } from "../workflow";

export const NAMESPACES: Record<string, string> = {
  sbg: "https://www.sevenbridges.com/",
  mlcraft: "https://mlcraft.dev/cwl#",
};

const HEAD = ["cwlVersion", "class", "id", "label", "doc"];

export function namespace(workflow: Workflow, prefix: string): Change[] {
  return rootNamespace(workflow.place.value, prefix);
}

export function rootNamespace(root: Value, prefix: string): Change[] {
  const known = isFields(root) ? root["$namespaces"] : undefined;
  if (isFields(known))
    return prefix in known ? [] : [{ do: "set", path: ["$namespaces", prefix], value: NAMESPACES[prefix]! }];
  return [{ do: "set", path: ["$namespaces"], value: { [prefix]: NAMESPACES[prefix]! }, after: HEAD }];
}
