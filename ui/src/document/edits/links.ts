/** The fields of a step's input, or of an output of the workflow. */
import { formatId } from "../items";
import { type Change, type Fields, type Value, isFields, text } from "../value";
import { type Link, type StepModel, type Workflow, linkOf } from "../workflow";
import { setFields } from "./fields";
import { forExpression, newVersion, requirement } from "./requirements";
import { withoutScatter } from "./steps";

/** A port: `step` is "" for an input or output of the workflow. */
export interface Where {
  step: string;
  port: string;
}

/** A new input of a step, to a list or a map. */
export function addLink(workflow: Workflow, step: StepModel, port: string, fields: Fields): Change[] {
  const path = [...step.item.path, "in"];
  const now = step.item.fields["in"];
  const name = formatId(workflow.scope, step.id, port);
  if (isFields(now) && Object.keys(now).length) {
    const only = Object.keys(fields).length === 1 && typeof fields["source"] === "string";
    return [{ do: "set", path: [...path, name], value: only ? fields["source"]! : fields }];
  }
  const item = { id: name, ...fields };
  return Array.isArray(now) ? [{ do: "append", path, value: item }] : [{ do: "set", path, value: [item] }];
}

/** Sets fields of a step's input, which is created if missing; an empty input is removed. */
export function setLinkFields(
  workflow: Workflow,
  step: StepModel,
  port: string,
  fields: { [key: string]: Value | undefined },
): Change[] {
  const expression = text(fields["valueFrom"] ?? undefined);
  const more = [
    ...(expression
      ? [...requirement(workflow, "StepInputExpressionRequirement"), ...forExpression(workflow, expression)]
      : []),
    ...(fields["pickValue"] ? newVersion(workflow) : []),
    ...(fields["linkMerge"] ? requirement(workflow, "MultipleInputFeatureRequirement") : []),
  ];
  const link = linkOf(step, port);
  const values = Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, Value] => entry[1] !== undefined),
  );
  if (!link) return Object.keys(values).length ? [...addLink(workflow, step, port, values), ...more] : [];
  const left = Object.keys({ ...link.item.fields, ...values }).filter(
    (key) => key !== "id" && !(key in fields && fields[key] === undefined),
  );
  if (left.length === 0)
    return [{ do: "delete", path: link.item.path }, ...(step.scatter.includes(port) ? withoutScatter(step, port) : [])];
  return [...setFields(link.item, "source", fields), ...more];
}

export function setOutputFields(
  workflow: Workflow,
  link: Link,
  fields: { [key: string]: Value | undefined },
): Change[] {
  return [...setFields(link.item, "type", fields), ...(fields["pickValue"] ? newVersion(workflow) : [])];
}
