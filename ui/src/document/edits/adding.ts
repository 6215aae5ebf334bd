/** New steps, inputs and outputs. */
import type { Position } from "../../graph/model";
import { formatId } from "../items";
import type { Face } from "../process";
import { type Change, type Fields, type Value, isFields } from "../value";
import type { Workflow } from "../workflow";
import { namespace } from "./namespaces";
import { place } from "./places";
import { requirement } from "./requirements";

export interface NewStep {
  id: string;
  run: Value;
  face: Face | undefined;
  label?: string;
  position?: Position | undefined;
}

export function addStep(workflow: Workflow, { id, run, face, label, position }: NewStep): Change[] {
  const step: Fields = {
    ...(label ? { label } : {}),
    run,
    in: [],
    out: (face?.outputs ?? []).map((port) => ({ id: formatId(workflow.scope, id, port.id) })),
    ...place(position),
  };
  const changes = [...add(workflow, "steps", id, step), ...(position ? namespace(workflow, "sbg") : [])];
  return face?.kind === "Workflow" ? [...changes, ...requirement(workflow, "SubworkflowFeatureRequirement")] : changes;
}

export function addInput(workflow: Workflow, id: string, fields: Fields, position?: Position): Change[] {
  return [
    ...add(workflow, "inputs", id, { ...fields, ...place(position) }),
    ...(position ? namespace(workflow, "sbg") : []),
  ];
}

export function addOutput(workflow: Workflow, id: string, fields: Fields, position?: Position): Change[] {
  return [
    ...add(workflow, "outputs", id, { ...fields, ...place(position) }),
    ...(position ? namespace(workflow, "sbg") : []),
  ];
}

type Kind = "inputs" | "outputs" | "steps";

/** To a list or a map, whichever is there. */
function add(workflow: Workflow, where: Kind, id: string, fields: Fields): Change[] {
  const path = [...workflow.place.process, where];
  const now = workflow.fields[where];
  const name = formatId(workflow.scope, id);
  if (isFields(now) && Object.keys(now).length) return [{ do: "set", path: [...path, name], value: fields }];
  const item = { id: name, ...fields };
  if (Array.isArray(now)) return [{ do: "append", path, value: item }];
  return [{ do: "set", path, value: [item] }];
}

export function addAll(workflow: Workflow, where: Kind, all: readonly [string, Fields][]): Change[] {
  if (!all.length) return [];
  const first = add(workflow, where, all[0]![0], all[0]![1]);
  // Without an existing list, the first change creates one for all.
  if (first[0]!.do === "set" && Array.isArray(first[0]!.value)) {
    return [{ ...first[0]!, value: all.map(([id, fields]) => ({ id: formatId(workflow.scope, id), ...fields })) }];
  }
  return all.flatMap(([id, fields]) => add(workflow, where, id, fields));
}

export function idsOf(workflow: Workflow): string[] {
  return [
    ...workflow.steps.map((one) => one.id),
    ...workflow.inputs.map((one) => one.id),
    ...workflow.outputs.map((one) => one.item.id),
  ];
}
