/** The effect of a new connection, from its two ends. */
import { closesCycle } from "./dependencies";
import { type CwlType, connectionFit, typeFit, itemOf, readType } from "./types";
import type { Change } from "./value";
import { type Where, connect, likeOf, setFields, setLinkFields, setOutputFields, setScatter, typeValue } from "./edits";
import { type Workflow, linkOf, sourceOf, stepOf, inputType } from "./workflow";
import { formatReference } from "./items";

export type Way =
  /** The value goes in as it is. */
  | "whole"
  /** The step runs for each item of the list. */
  | "scatter"
  /** The input takes a list, and this value is one of it. */
  | "collect";

export function connectionWay(workflow: Workflow, from: Where, to: Where): Way | undefined {
  const source = sourceOf(workflow, from);
  if (!source.known) return undefined;
  if (to.step === "") {
    const link = workflow.outputs.find((one) => one.item.id === to.port);
    if (!link || link.sources.some((one) => same(one, from))) return undefined;
    if (link.sources.length === 0) return "whole";
    return wayByType(source.type, readType(link.item.fields["type"]), false);
  }
  const step = stepOf(workflow, to.step);
  if (!step || (from.step && closesCycle(workflow, from.step, to.step))) return undefined;
  const link = linkOf(step, to.port);
  if (link?.sources.some((one) => same(one, from))) return undefined;
  return wayByType(source.type, inputType(step, to.port), true);
}

/** The way in which a value of one type fits an input of another. */
export function wayByType(from: CwlType | undefined, into: CwlType | undefined, mayScatter: boolean): Way | undefined {
  const whole = mayScatter ? connectionFit(from, into) : typeFit(from, into);
  if (whole === "scatter") return "scatter";
  if (whole !== "no") return "whole";
  const item = itemOf(into);
  return item && typeFit(from, item) !== "no" ? "collect" : undefined;
}

function same(one: Where, other: Where): boolean {
  return one.step === other.step && one.port === other.port;
}

/** Connects in the way that fits; an earlier source is replaced, unless both are merged into a list. */
export function connectBy(workflow: Workflow, from: Where, to: Where, way: Way): Change[] {
  if (to.step === "") {
    const link = workflow.outputs.find((one) => one.item.id === to.port);
    if (!link) return [];
    const type = sourceOf(workflow, from).type;
    if (link.sources.length === 0) {
      const fits = type && typeFit(type, readType(link.item.fields["type"])) !== "no";
      const source = formatReference(workflow.scope, from);
      const changes = connect(workflow, from, to).filter((change) => !isAt(change, link.item.path));
      return [
        ...changes,
        ...setOutputFields(workflow, link, {
          ...(fits || !type ? {} : { type: typeValue(type) }),
          outputSource: [source],
        }),
      ];
    }
    if (way === "collect") return [...connect(workflow, from, to)];
    return setFields(link.item, "type", {
      outputSource: [formatReference(workflow.scope, from)],
      linkMerge: undefined,
      pickValue: undefined,
    });
  }
  const step = stepOf(workflow, to.step)!;
  const link = linkOf(step, to.port);
  if (way === "collect") {
    if (link?.sources.length) return connect(workflow, from, to);
    return setLinkFields(workflow, step, to.port, {
      source: [formatReference(workflow.scope, from, likeOf(workflow))],
      linkMerge: "merge_nested",
    });
  }
  if (!link?.sources.length) return connect(workflow, from, to, way === "scatter");
  const gives = connect(workflow, from, to, false).filter((change) => change.path.includes("out"));
  const changes = setFields(link.item, "source", {
    source: formatReference(workflow.scope, from, link.sources[0]!.written),
    ...("linkMerge" in link.item.fields ? { linkMerge: undefined } : {}),
    ...("pickValue" in link.item.fields ? { pickValue: undefined } : {}),
  });
  const scatter =
    way === "scatter" && !step.scatter.includes(to.port)
      ? setScatter(workflow, step, [...step.scatter, to.port], step.scatterMethod)
      : [];
  return [...changes, ...gives, ...scatter];
}

function isAt(change: Change, path: readonly (string | number)[]): boolean {
  return path.every((step, index) => change.path[index] === step);
}
