/** New inputs and outputs of the workflow for a port of a step. */
import type { Position } from "../../graph/model";
import { freeName, formatReference } from "../items";
import type { Change, Fields } from "../value";
import { type Workflow, portIn, sourceOf, stepOf, inputType } from "../workflow";
import { addInput, addOutput, idsOf } from "./adding";
import { connect, gives } from "./connecting";
import { typeValue } from "./type_value";

/** An input of the workflow that feeds a port of a step. */
export function addInputFor(workflow: Workflow, stepId: string, port: string, position?: Position): Change[] {
  const step = stepOf(workflow, stepId);
  if (!step) return [];
  const face = portIn(step, port);
  const id = freeName(port, idsOf(workflow));
  const type = typeValue(inputType(step, port));
  const fields: Fields = {
    type,
    ...(face?.label ? { label: face.label } : {}),
    ...(face?.doc ? { doc: face.doc } : {}),
  };
  return [
    ...addInput(workflow, id, fields, position),
    ...connect(workflow, { step: "", port: id }, { step: stepId, port }),
  ];
}

/** An output of the workflow with the value of a step's port. */
export function addOutputFor(workflow: Workflow, stepId: string, port: string, position?: Position): Change[] {
  const step = stepOf(workflow, stepId);
  if (!step) return [];
  const face = step.face?.outputs.find((one) => one.id === port);
  const id = freeName(port, idsOf(workflow));
  const type = typeValue(sourceOf(workflow, { step: stepId, port }).type);
  const source = formatReference(workflow.scope, { step: stepId, port });
  const fields: Fields = {
    type,
    ...(face?.label ? { label: face.label } : {}),
    ...(face?.doc ? { doc: face.doc } : {}),
    outputSource: [source],
  };
  return [...addOutput(workflow, id, fields, position), ...gives(step, port, workflow)];
}
