/** Removal of sources; a step's input without other fields is removed with its last source. */
import { type Change, list, text } from "../value";
import { type Link, type StepModel, type Workflow, linkOf, stepOf } from "../workflow";
import type { Where } from "./links";
import { withoutScatter } from "./steps";

export function disconnect(workflow: Workflow, from: Where, to: Where): Change[] {
  const step = to.step ? stepOf(workflow, to.step) : undefined;
  const link = to.step === "" ? workflow.outputs.find((one) => one.item.id === to.port) : step && linkOf(step, to.port);
  const gone = link?.sources.filter((one) => one.step === from.step && one.port === from.port) ?? [];
  if (!link || !gone.length) return [];
  return withoutSources(
    link,
    to.step === "" ? "outputSource" : "source",
    gone.map((one) => one.written),
    step,
  );
}

export function withoutSources(
  link: Link,
  key: "source" | "outputSource",
  gone: readonly string[],
  step?: StepModel,
): Change[] {
  const { item } = link;
  const left = link.sources.filter((one) => !gone.includes(one.written));
  const now = item.fields[key];
  if (left.length) {
    const path = item.short ? item.path : [...item.path, key];
    return list(now).flatMap((one, index): Change[] =>
      gone.includes(text(one)) ? [{ do: "delete", path: [...path, index] }] : [],
    );
  }
  const others = Object.keys(item.fields).filter((name) => name !== key && name !== "id");
  if (key === "source" && (item.short || others.length === 0)) {
    const unscattered = step?.scatter.includes(item.id) ? withoutScatter(step, item.id) : [];
    return [{ do: "delete", path: item.path }, ...unscattered];
  }
  return [{ do: "delete", path: [...item.path, key] }];
}
