/** Sources of inputs of steps, and of outputs of the workflow. */
import { formatReference, formatId } from "../items";
import { type Change, list } from "../value";
import { type Link, type StepModel, type Workflow, linkOf, stepOf } from "../workflow";
import { setFields } from "./fields";
import { type Where, addLink } from "./links";
import { requirement } from "./requirements";
import { setScatter } from "./steps";

/** `to.step` is "" for an output of the workflow. */
export function connect(workflow: Workflow, from: Where, to: Where, scatter = false): Change[] {
  const source = formatReference(workflow.scope, from, likeOf(workflow));
  const origin = from.step ? stepOf(workflow, from.step) : undefined;
  const outs = origin ? gives(origin, from.port, workflow) : [];
  if (to.step === "") {
    const link = workflow.outputs.find((one) => one.item.id === to.port);
    return link ? [...addSource(workflow, link, "outputSource", source), ...outs] : [];
  }
  const step = stepOf(workflow, to.step);
  if (!step) return [];
  const scatters =
    scatter && !step.scatter.includes(to.port)
      ? setScatter(workflow, step, [...step.scatter, to.port], step.scatterMethod)
      : [];
  const link = linkOf(step, to.port);
  if (link) return [...addSource(workflow, link, "source", source), ...outs, ...scatters];
  return [...addLink(workflow, step, to.port, { source }), ...outs, ...scatters];
}

/** How other sources of the document are written, where there are any. */
export function likeOf(workflow: Workflow): string | undefined {
  for (const step of workflow.steps) for (const link of step.links) if (link.sources[0]) return link.sources[0].written;
  return workflow.outputs.find((one) => one.sources[0])?.sources[0]!.written;
}

function addSource(workflow: Workflow, link: Link, key: "source" | "outputSource", source: string): Change[] {
  if (link.sources.some((one) => one.written === source)) return [];
  const main = key === "source" ? "source" : "type";
  const path = [...link.item.path, key];
  const now = link.item.fields[key];
  if (link.item.short || now === undefined || now === null || (Array.isArray(now) && now.length === 0)) {
    const values = link.sources.map((one) => one.written);
    return setFields(link.item, main, { [key]: values.length ? [...values, source] : source });
  }
  const changes: Change[] = Array.isArray(now)
    ? [{ do: "append", path, value: source }]
    : [{ do: "set", path, value: [now, source] }];
  return [...changes, ...requirement(workflow, "MultipleInputFeatureRequirement")];
}

/** Adds an output to `out` of a step. */
export function gives(step: StepModel, port: string, workflow: Workflow): Change[] {
  if (step.out.some((one) => one.id === port)) return [];
  const now = step.item.fields["out"];
  const name = formatId(workflow.scope, step.id, port);
  const value = list(now).some((one) => typeof one === "string") ? name : { id: name };
  const path = [...step.item.path, "out"];
  return [Array.isArray(now) ? { do: "append", path, value } : { do: "set", path, value: [...list(now), value] }];
}
