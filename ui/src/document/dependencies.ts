/** The order of steps: which step depends on which. */
import { memoize } from "./memoize";
import type { StepModel, Workflow } from "./workflow";

/** The steps that a step depends on. */
export function upstreamSteps(step: StepModel): string[] {
  return [...new Set(step.links.flatMap((link) => link.sources.map((source) => source.step)).filter(Boolean))];
}

/** Whether a connection from one step to another would close a circle. */
export function closesCycle(workflow: Workflow, from: string, to: string): boolean {
  return downstreamSteps(workflow, to).has(from);
}

/** A step, and all that depend on it, also indirectly. */
export function downstreamSteps(workflow: Workflow, id: string): ReadonlySet<string> {
  const { takers, after } = dependentsOf(workflow);
  let found = after.get(id);
  if (!found) {
    found = new Set([id]);
    // Elements that are added meanwhile are iterated over too.
    for (const one of found) for (const taker of takers.get(one) ?? []) found.add(taker);
    after.set(id, found);
  }
  return found;
}

const dependentsOf = memoize(({ steps }: Workflow) => {
  const takers = new Map<string, string[]>();
  for (const step of steps)
    for (const source of upstreamSteps(step)) takers.set(source, [...(takers.get(source) ?? []), step.id]);
  return { takers, after: new Map<string, Set<string>>() };
});
