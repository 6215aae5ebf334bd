/** The sources that an input of a step or an output of the workflow may take, as choices of a list. */
import type { Where } from "../../document/edits";
import { type Way, wayByType } from "../../document/connecting";
import { downstreamSteps } from "../../document/dependencies";
import type { CwlType } from "../../document/types";
import { type Link, type StepModel, type Workflow, sourceOf } from "../../document/workflow";
import type { Choice } from "../fields";

export function sourceChoices(
  workflow: Workflow,
  step: StepModel | undefined,
  type: CwlType | undefined,
  link: Link | undefined,
): Choice[] {
  const known = new Set(link?.sources.map((one) => `${one.step}/${one.port}`));
  const all = [
    ...workflow.inputs.map((one) => ({ step: "", port: one.id })),
    ...workflow.steps.flatMap((one) => (one.face?.outputs ?? []).map((out) => ({ step: one.id, port: out.id }))),
  ];
  const after = step && downstreamSteps(workflow, step.id);
  return all.flatMap((source): Choice[] => {
    if (known.has(`${source.step}/${source.port}`)) return [];
    // This step, and the steps that depend on it, would close a cycle.
    if (after?.has(source.step)) return [];
    const way = wayByType(sourceOf(workflow, source).type, type, step !== undefined);
    if (!way) return [];
    const name = source.step ? `${source.step}/${source.port}` : source.port;
    const from = source.step ? "from steps" : "from inputs";
    return [
      {
        value: `${way} ${source.step}/${source.port}`,
        label: way === "scatter" ? `each of ${name}` : name,
        group: { scatter: "for each item", collect: "into the list", whole: from }[way],
      },
    ];
  });
}

/** The source that a choice stands for. */
export function parseChoice(choice: string): { from: Where; way: Way } {
  const space = choice.indexOf(" ");
  const name = choice.slice(space + 1);
  const slash = name.indexOf("/");
  return { from: { step: name.slice(0, slash), port: name.slice(slash + 1) }, way: choice.slice(0, space) as Way };
}
