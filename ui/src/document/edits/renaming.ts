/** Another name for an input, an output or a step; what refers to it follows. */
import { parseKey } from "../graph";
import { type Item, formatReference } from "../items";
import { type Change, type Path, type Value, at, isFields, text } from "../value";
import { type Link, type Workflow, stepOf } from "../workflow";
import { itemOfKey } from "./fields";
import { hintPath } from "./hints";
import type { Where } from "./links";

export function rename(workflow: Workflow, key: string, id: string): Change[] {
  const named = parseKey(key);
  const item = itemOfKey(workflow, key);
  if (!named || !item || named.id === id) return [];
  const { scope } = workflow;
  const changes: Change[] = [renameItem(item, formatReference(scope, { step: "", port: id }, rawId(item)))];
  const follow = (source: { step: string; port: string }): Where | undefined => {
    if (named.kind === "input" && source.step === "" && source.port === named.id) return { step: "", port: id };
    if (named.kind === "step" && source.step === named.id) return { step: id, port: source.port };
    return undefined;
  };
  const links: [Link, "source" | "outputSource"][] = [
    ...workflow.steps.flatMap((step) => step.links.map((link): [Link, "source"] => [link, "source"])),
    ...workflow.outputs.map((link): [Link, "outputSource"] => [link, "outputSource"]),
  ];
  for (const [link, field] of links) {
    link.sources.forEach((source, index) => {
      const now = follow(source);
      if (!now) return;
      const value = formatReference(scope, now, source.written);
      const path = link.item.short ? link.item.path : [...link.item.path, field];
      const whole = link.item.fields[field];
      changes.push({ do: "set", path: Array.isArray(whole) ? [...path, index] : path, value });
    });
  }
  if (named.kind === "step") changes.push(...packedNames(workflow, named.id, id));
  changes.push(...inData(workflow, named.kind, named.id, id));
  return changes;
}

function rawId(item: Item): string {
  return typeof item.path.at(-1) === "string" ? String(item.path.at(-1)) : text(item.fields["id"]);
}

function renameItem(item: Item, name: string): Change {
  return typeof item.path.at(-1) === "string"
    ? { do: "rename", path: item.path, key: name }
    : { do: "set", path: [...item.path, "id"], value: name };
}

/** In packed documents a step's inputs and outputs have its name in theirs. */
function packedNames(workflow: Workflow, old: string, id: string): Change[] {
  const step = stepOf(workflow, old);
  const prefix = `#${workflow.scope.id}/${old}/`;
  if (!step || !workflow.scope.packed) return [];
  const rewrite = (value: Value | undefined, path: Path): Change[] => {
    if (typeof value === "string")
      return value.startsWith(prefix)
        ? [{ do: "set", path, value: `#${workflow.scope.id}/${id}/${value.slice(prefix.length)}` }]
        : [];
    if (Array.isArray(value)) return value.flatMap((one, index) => rewrite(one, [...path, index]));
    return isFields(value) ? rewrite(value["id"], [...path, "id"]) : [];
  };
  return ["in", "out", "scatter"].flatMap((key) => rewrite(step.item.fields[key], [...step.item.path, key]));
}

/** `mlcraft:Data` names inputs and outputs of the workflow. */
function inData(workflow: Workflow, kind: string, old: string, id: string): Change[] {
  if (kind === "step") return [];
  const path = hintPath(workflow.fields["hints"], [...workflow.place.process, "hints"], "mlcraft:Data");
  const entries = path && at(workflow.place.value, [...path, `${kind}s`]);
  if (!path || !Array.isArray(entries)) return [];
  return entries.flatMap((entry, index): Change[] =>
    isFields(entry) && entry[kind] === old ? [{ do: "set", path: [...path, `${kind}s`, index, kind], value: id }] : [],
  );
}
