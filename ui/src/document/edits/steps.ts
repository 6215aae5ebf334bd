/** Scatter and condition of a step. */
import { localName, formatId } from "../items";
import { type Change, list, text } from "../value";
import type { StepModel, Workflow } from "../workflow";
import { forExpression, newVersion, requirement } from "./requirements";

export function setScatter(workflow: Workflow, step: StepModel, ports: readonly string[], method: string): Change[] {
  const path = step.item.path;
  const changes: Change[] = [];
  const names = ports.map((port) => formatId(workflow.scope, step.id, port));
  if (names.length)
    changes.push(
      { do: "set", path: [...path, "scatter"], value: names },
      ...requirement(workflow, "ScatterFeatureRequirement"),
    );
  else if ("scatter" in step.item.fields) changes.push({ do: "delete", path: [...path, "scatter"] });
  const wanted = ports.length > 1 ? method || "dotproduct" : "";
  if (wanted) changes.push({ do: "set", path: [...path, "scatterMethod"], value: wanted });
  else if ("scatterMethod" in step.item.fields) changes.push({ do: "delete", path: [...path, "scatterMethod"] });
  return changes;
}

export function withoutScatter(step: StepModel, port: string): Change[] {
  const now = step.item.fields["scatter"];
  const path = [...step.item.path, "scatter"];
  const left = step.scatter.filter((one) => one !== port);
  const method: Change[] =
    left.length < 2 && step.scatterMethod ? [{ do: "delete", path: [...step.item.path, "scatterMethod"] }] : [];
  if (!left.length) return [{ do: "delete", path }, ...method];
  return [
    ...list(now).flatMap((one, index): Change[] =>
      localName(text(one)) === port ? [{ do: "delete", path: [...path, index] }] : [],
    ),
    ...method,
  ];
}

export function setWhen(workflow: Workflow, step: StepModel, when: string): Change[] {
  if (!when) return "when" in step.item.fields ? [{ do: "delete", path: [...step.item.path, "when"] }] : [];
  return [
    { do: "set", path: [...step.item.path, "when"], value: when },
    ...newVersion(workflow),
    ...forExpression(workflow, when),
  ];
}
