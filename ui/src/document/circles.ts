/** Which step comes after which. */
import type { StepModel, Workflow } from "./workflow";

/** The steps that a step takes something from. */
export function stepsBefore(step: StepModel): string[] {
  return [...new Set(step.links.flatMap((link) => link.sources.map((source) => source.step)).filter(Boolean))];
}

/** Whether a connection from one step to another would close a circle. */
export function closesCircle(workflow: Workflow, from: string, to: string): boolean {
  return stepsAfter(workflow, to).has(from);
}

const afters = new WeakMap<Workflow, Map<string, ReadonlySet<string>>>();

/** A step, and all that take something from it, by way of others too. */
export function stepsAfter(workflow: Workflow, id: string): ReadonlySet<string> {
  const found = afters.get(workflow) ?? new Map<string, ReadonlySet<string>>();
  afters.set(workflow, found);
  const before = found.get(id);
  if (before) return before;
  const after = new Set([id]);
  // What is added on the way is walked over, too.
  for (const one of after) for (const taker of takersIn(workflow).get(one) ?? []) after.add(taker);
  found.set(id, after);
  return after;
}

const takers = new WeakMap<Workflow, Map<string, string[]>>();

function takersIn(workflow: Workflow): Map<string, string[]> {
  const before = takers.get(workflow);
  if (before) return before;
  const found = new Map<string, string[]>();
  for (const step of workflow.steps) for (const source of stepsBefore(step)) found.set(source, [...(found.get(source) ?? []), step.id]);
  takers.set(workflow, found);
  return found;
}
