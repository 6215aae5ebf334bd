/** Removal of nodes and edges. */
import { parseKey } from "../graph";
import type { Change } from "../value";
import type { Link, Workflow } from "../workflow";
import { withoutSources } from "./disconnecting";
import { itemOfKey } from "./fields";
import type { Where } from "./links";

/** Removes nodes by their keys, with their connections; edges are given as their two ends. */
export function remove(
  workflow: Workflow,
  keys: readonly string[],
  edges: readonly { from: Where; to: Where }[] = [],
): Change[] {
  const named = keys.map(parseKey).filter((one) => one !== undefined);
  const gone = (kind: string) => new Set(named.filter((one) => one.kind === kind).map((one) => one.id));
  const [inputs, outputs, steps] = [gone("input"), gone("output"), gone("step")];
  const changes: Change[] = named.flatMap(({ kind, id }) => {
    const item = itemOfKey(workflow, `${kind}:${id}`);
    return item ? [{ do: "delete" as const, path: item.path }] : [];
  });
  const cut = (link: Link, to: Where): string[] =>
    link.sources
      .filter(
        (one) =>
          (one.step ? steps.has(one.step) : inputs.has(one.port)) ||
          edges.some(
            (edge) =>
              edge.to.step === to.step &&
              edge.to.port === to.port &&
              edge.from.step === one.step &&
              edge.from.port === one.port,
          ),
      )
      .map((one) => one.written);
  for (const step of workflow.steps) {
    if (steps.has(step.id)) continue;
    for (const link of step.links) {
      const written = cut(link, { step: step.id, port: link.item.id });
      if (written.length) changes.push(...withoutSources(link, "source", written, step));
    }
  }
  for (const link of workflow.outputs) {
    if (outputs.has(link.item.id)) continue;
    const written = cut(link, { step: "", port: link.item.id });
    if (written.length) changes.push(...withoutSources(link, "outputSource", written));
  }
  return unique(changes);
}

/** Two inputs of one step may both want to end the same scatter. */
function unique(changes: Change[]): Change[] {
  const seen = new Set<string>();
  return changes.filter((change) => {
    const name = JSON.stringify([change.do, change.path]);
    return change.do !== "delete" || (!seen.has(name) && !!seen.add(name));
  });
}
