/** Which step comes after which. */
import { once } from "./once";
import type { StepModel, Workflow } from "./workflow";

/** The steps that a step takes something from. */
export function stepsBefore(step: StepModel): string[] {
  return [...new Set(step.links.flatMap((link) => link.sources.map((source) => source.step)).filter(Boolean))];
}

/** Whether a connection from one step to another would close a circle. */
export function closesCircle(workflow: Workflow, from: string, to: string): boolean {
  return stepsAfter(workflow, to).has(from);
}

/** A step, and all that take something from it, by way of others too. */
export function stepsAfter(workflow: Workflow, id: string): ReadonlySet<string> {
  const { takers, after } = orderOf(workflow);
  let found = after.get(id);
  if (!found) {
    found = new Set([id]);
    // What is added on the way is walked over, too.
    for (const one of found) for (const taker of takers.get(one) ?? []) found.add(taker);
    after.set(id, found);
  }
  return found;
}

const orderOf = once(({ steps }: Workflow) => {
  const takers = new Map<string, string[]>();
  for (const step of steps)
    for (const source of stepsBefore(step)) takers.set(source, [...(takers.get(source) ?? []), step.id]);
  return { takers, after: new Map<string, Set<string>>() };
});
