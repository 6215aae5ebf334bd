/** Copied nodes, for pasting here or in another workflow. */
import { parseKey } from "../graph";
import type { Fields, Value } from "../value";
import { type Workflow, stepOf } from "../workflow";
import { itemOfKey } from "./fields";
import type { Where } from "./links";

export interface Clip {
  steps: { id: string; fields: Fields }[];
  inputs: { id: string; fields: Fields }[];
  outputs: { id: string; fields: Fields }[];
  /** Connections among them. */
  links: { from: Where; to: Where }[];
}

export function copy(workflow: Workflow, keys: readonly string[]): Clip {
  const clip: Clip = { steps: [], inputs: [], outputs: [], links: [] };
  const named = keys.map(parseKey).filter((one) => one !== undefined);
  const has = (kind: string, id: string) => named.some((one) => one.kind === kind && one.id === id);
  const inside = (source: Where) => (source.step ? has("step", source.step) : has("input", source.port));
  for (const { kind, id } of named) {
    const item = itemOfKey(workflow, `${kind}:${id}`);
    if (!item) continue;
    const { id: _, ...fields } = item.fields;
    if (kind === "step") {
      const step = stepOf(workflow, id)!;
      clip.steps.push({ id, fields: { ...fields, in: [], out: step.out.map((one) => ({ id: one.id })) } });
      const own = clip.steps.at(-1)!.fields;
      for (const link of step.links) {
        for (const one of link.sources)
          if (inside(one))
            clip.links.push({ from: { step: one.step, port: one.port }, to: { step: id, port: link.item.id } });
        const { id: _name, source: _source, ...rest } = link.item.fields;
        // Sources outside stay, so that a copy beside the original takes what that takes.
        const outside = link.sources
          .filter((one) => !inside(one))
          .map((one) => (one.step ? `${one.step}/${one.port}` : one.port));
        if (Object.keys(rest).length || outside.length)
          (own["in"] as Value[]).push({ id: link.item.id, ...(outside.length ? { source: outside } : {}), ...rest });
      }
    } else if (kind === "input") clip.inputs.push({ id, fields });
    else {
      const link = workflow.outputs.find((one) => one.item.id === id)!;
      const { outputSource: _source, ...rest } = fields;
      clip.outputs.push({ id, fields: rest });
      for (const one of link.sources)
        if (inside(one)) clip.links.push({ from: { step: one.step, port: one.port }, to: { step: "", port: id } });
    }
  }
  return clip;
}
