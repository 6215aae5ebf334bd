/** Problems of a workflow that the browser finds at once; the server's check is the authoritative one. */
import { upstreamSteps } from "./dependencies";
import { linkOf, type Link, type StepModel, type Workflow, portIn, sourceOf, inputType, mergedType } from "./workflow";
import { connectionFit, haveDifferentFormats, readType, formatType } from "./types";
import type { Path } from "./value";
import type { Item } from "./items";

export interface Finding {
  severity: "error" | "warning" | "hint";
  message: string;
  path: Path;
  /** The node that it is about, by its key in the picture. */
  key?: string;
}

/** The inputs of the step *Retrieve* of which one is needed. Each is optional by its type. */
const SOURCES = ["source", "sources", "files"];
const RETRIEVE = /(^|[:#])Retrieve$/;

export function findProblems(workflow: Workflow): Finding[] {
  return [
    ...duplicateNames(workflow),
    ...workflow.steps.flatMap((step) => stepProblems(workflow, step)),
    ...workflow.outputs.flatMap((link) => outputProblems(workflow, link)),
    ...findCycles(workflow),
  ];
}

/** The worst sentence for each node. */
export function errorByNode(findings: readonly Finding[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const one of findings)
    if (one.key && one.severity === "error" && !found.has(one.key)) found.set(one.key, one.message);
  return found;
}

function duplicateNames(workflow: Workflow): Finding[] {
  const groups: [string, string, Item[]][] = [
    ["input", "input", workflow.inputs],
    ["output", "output", workflow.outputs.map((one) => one.item)],
    ["step", "step", workflow.steps.map((one) => one.item)],
  ];
  return groups.flatMap(([kind, word, items]) => {
    const seen = new Set<string>();
    return items.flatMap((item): Finding[] => {
      if (!seen.has(item.id)) {
        seen.add(item.id);
        return [];
      }
      return [
        {
          severity: "error",
          message: `There are two ${word}s called ${item.id}.`,
          path: item.path,
          key: `${kind}:${item.id}`,
        },
      ];
    });
  });
}

function stepProblems(workflow: Workflow, step: StepModel): Finding[] {
  const key = `step:${step.id}`;
  const say = (severity: Finding["severity"], message: string, path: Path = step.item.path): Finding => ({
    severity,
    message,
    path,
    key,
  });
  const found: Finding[] = [];
  if (step.run === undefined || step.run === null || step.run === "")
    found.push(say("error", `Step ${step.id} does not say what it runs.`));
  else if (!step.face && typeof step.run === "string") {
    found.push(
      say("warning", `What step ${step.id} runs, ${step.run}, is not among the documents here.`, [
        ...step.item.path,
        "run",
      ]),
    );
  }
  for (const link of step.links) found.push(...linkProblems(workflow, step, link, say));
  for (const port of step.face?.inputs ?? []) {
    if (port.required && !linkOf(step, port.id))
      found.push(
        say("error", `Step ${step.id} needs a value for ${port.id} (${formatType(port.type) || "any type"}).`),
      );
  }
  const retrieves =
    RETRIEVE.test(step.face?.hint ?? "") && SOURCES.some((id) => step.face?.inputs.some((port) => port.id === id));
  if (retrieves && !SOURCES.some((id) => hasValue(linkOf(step, id)))) {
    found.push(say("error", `Step ${step.id} has nothing to retrieve: give it a source, sources or files.`));
  }
  for (const out of step.out) {
    if (step.face && !step.face.outputs.some((one) => one.id === out.id)) {
      found.push(say("error", `What step ${step.id} runs has no output ${out.id}.`, out.path));
    }
  }
  for (const port of step.scatter) {
    if (!linkOf(step, port))
      found.push(
        say("error", `Step ${step.id} scatters over ${port}, which is none of its inputs.`, [
          ...step.item.path,
          "scatter",
        ]),
      );
  }
  if (step.scatter.length > 1 && !step.scatterMethod) {
    found.push(
      say("error", `Step ${step.id} scatters over several inputs: choose how they go together (scatterMethod).`, [
        ...step.item.path,
        "scatter",
      ]),
    );
  }
  if (step.when && isOlder(workflow.version)) {
    found.push(
      say("error", `A condition (when) needs cwlVersion v1.2; this document says ${workflow.version}.`, [
        ...step.item.path,
        "when",
      ]),
    );
  }
  return found;
}

function linkProblems(
  workflow: Workflow,
  step: StepModel,
  link: Link,
  say: (severity: Finding["severity"], message: string, path?: Path) => Finding,
): Finding[] {
  const { item } = link;
  const port = portIn(step, item.id);
  const found: Finding[] = [];
  const unknown = link.sources.filter((source) => !sourceOf(workflow, source).known);
  for (const source of unknown)
    found.push(
      say("error", `Step ${step.id} takes ${item.id} from ${formatSource(source)}, which does not exist.`, item.path),
    );
  const hasDefault = "default" in item.fields && item.fields["default"] !== null;
  if (port?.required && link.sources.length === 0 && !hasDefault && !item.fields["valueFrom"]) {
    found.push(
      say("error", `Step ${step.id} needs a value for ${item.id} (${formatType(port.type) || "any type"}).`, item.path),
    );
  }
  if (unknown.length || link.sources.length === 0 || item.fields["valueFrom"] || !port) return found;
  const from = mergedType(workflow, link);
  const fits = connectionFit(from, inputType(step, item.id));
  const words = `Step ${step.id} takes ${item.id} as ${formatType(inputType(step, item.id))}, and ${link.sources.map(formatSource).join(" and ")} ${link.sources.length > 1 ? "give" : "gives"} ${formatType(from)}`;
  if (fits === "no") found.push(say("error", `${words}.`, item.path));
  else if (fits === "scatter")
    found.push(say("error", `${words}: scatter over ${item.id} to run it for each item.`, item.path));
  else if (fits === "maybe" && !hasDefault) found.push(say("warning", `${words}: some values do not fit.`, item.path));
  if (link.sources.length === 1 && haveDifferentFormats(sourceOf(workflow, link.sources[0]!).format, port.format)) {
    found.push(
      say(
        "warning",
        `The file format of ${formatSource(link.sources[0]!)} is another than the one that ${item.id} of step ${step.id} takes.`,
        item.path,
      ),
    );
  }
  return found;
}

function hasValue(link: Link | undefined): boolean {
  const fields = link?.item.fields;
  return !!link && (link.sources.length > 0 || !!fields?.["valueFrom"] || (fields?.["default"] ?? "") !== "");
}

function outputProblems(workflow: Workflow, link: Link): Finding[] {
  const { item } = link;
  const key = `output:${item.id}`;
  const say = (severity: Finding["severity"], message: string): Finding => ({
    severity,
    message,
    path: item.path,
    key,
  });
  if (link.sources.length === 0) return [say("warning", `Nothing goes into output ${item.id}.`)];
  const unknown = link.sources.filter((source) => !sourceOf(workflow, source).known);
  if (unknown.length)
    return unknown.map((source) =>
      say("error", `Output ${item.id} comes from ${formatSource(source)}, which does not exist.`),
    );
  const from = mergedType(workflow, link);
  const to = readType(item.fields["type"]);
  const fits = connectionFit(from, to);
  const found: Finding[] = [];
  if (fits === "no" || fits === "scatter")
    found.push(
      say(
        "error",
        `Output ${item.id} is ${formatType(to)}, and ${link.sources.map(formatSource).join(" and ")} ${link.sources.length > 1 ? "give" : "gives"} ${formatType(from)}.`,
      ),
    );
  else if (fits === "maybe")
    found.push(
      say(
        "warning",
        `Output ${item.id} is ${formatType(to)}, and what goes into it is ${formatType(from)}: some values do not fit.`,
      ),
    );
  if (link.pickValue && isOlder(workflow.version))
    found.push(say("error", `pickValue needs cwlVersion v1.2; this document says ${workflow.version}.`));
  return found;
}

function isOlder(version: string): boolean {
  return version === "v1.0" || version === "v1.1";
}

function formatSource(source: { step: string; port: string }): string {
  return source.step ? `${source.step}/${source.port}` : source.port;
}

function findCycles(workflow: Workflow): Finding[] {
  const known = new Map(workflow.steps.map((step) => [step.id, step]));
  const state = new Map<string, "open" | "done">();
  const found: Finding[] = [];
  for (const start of workflow.steps) {
    // A stack of its own: a chain of steps may be longer than the browser's.
    const stack: { step: StepModel; next: string[] }[] = [];
    const enter = (step: StepModel) => {
      state.set(step.id, "open");
      stack.push({ step, next: upstreamSteps(step) });
    };
    if (!state.has(start.id)) enter(start);
    while (stack.length) {
      const { step, next } = stack.at(-1)!;
      const id = next.pop();
      if (id === undefined) {
        state.set(step.id, "done");
        stack.pop();
        continue;
      }
      const other = known.get(id);
      if (!other) continue;
      if (state.get(id) === "open") {
        const circle = [
          ...stack.slice(stack.findIndex((one) => one.step.id === id)).map((one) => one.step.id),
          id,
        ].reverse();
        found.push({
          severity: "error",
          message: `These steps wait for each other: ${circle.join(" → ")}.`,
          path: step.item.path,
          key: `step:${step.id}`,
        });
      } else if (!state.has(id)) enter(other);
    }
  }
  return found;
}
