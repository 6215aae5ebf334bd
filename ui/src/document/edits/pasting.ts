/** Pasting of copied nodes. */
import type { Position } from "../../graph/model";
import { positionOf } from "../graph";
import { freeName, localName, formatReference, formatId } from "../items";
import { type Change, type Fields, list, text } from "../value";
import { type Workflow, sourceOf } from "../workflow";
import { addAll, idsOf } from "./adding";
import type { Clip } from "./copying";
import type { Where } from "./links";
import { namespace } from "./namespaces";
import { place } from "./places";

/** The copied nodes with free names; sources that this workflow does not have are left out. */
export function paste(workflow: Workflow, clip: Clip, shift: Position): { changes: Change[]; keys: string[] } {
  const taken = new Set(idsOf(workflow));
  const free = (id: string) => {
    const name = freeName(id, taken);
    taken.add(name);
    return name;
  };
  const steps = new Map(clip.steps.map((one) => [one.id, free(one.id)]));
  const inputs = new Map(clip.inputs.map((one) => [one.id, free(one.id)]));
  const outputs = new Map(clip.outputs.map((one) => [one.id, free(one.id)]));
  const shifted = (fields: Fields): Fields => {
    const position = positionOf(fields);
    return position ? { ...fields, ...place({ x: position.x + shift.x, y: position.y + shift.y }) } : fields;
  };
  const now = (from: Where) =>
    formatReference(
      workflow.scope,
      from.step ? { step: steps.get(from.step)!, port: from.port } : { step: "", port: inputs.get(from.port)! },
    );
  const into = (step: string, port: string) =>
    clip.links.filter((one) => one.to.step === step && one.to.port === port).map((one) => now(one.from));
  const known = (source: string) => sourceOf(workflow, reference(source)).known;
  const changes = [
    ...addAll(
      workflow,
      "inputs",
      clip.inputs.map(({ id, fields }) => [inputs.get(id)!, shifted(fields)]),
    ),
    ...addAll(
      workflow,
      "outputs",
      clip.outputs.map(({ id, fields }) => {
        const sources = into("", id);
        return [outputs.get(id)!, shifted({ ...fields, ...(sources.length ? { outputSource: sources } : {}) })];
      }),
    ),
    ...addAll(
      workflow,
      "steps",
      clip.steps.map(({ id, fields }) => {
        const name = steps.get(id)!;
        const before = (fields["in"] as Fields[]).map((one) => ({
          ...one,
          source: list(one["source"]).filter((source) => known(text(source))),
        }));
        const ports = [
          ...new Set([
            ...before.map((one) => text((one as Fields)["id"])),
            ...clip.links.filter((one) => one.to.step === id).map((one) => one.to.port),
          ]),
        ];
        const ins = ports.flatMap((port) => {
          const {
            id: _,
            source,
            ...rest
          } = (before.find((one) => (one as Fields)["id"] === port) ?? { id: port, source: [] }) as Fields;
          const sources = [
            ...list(source).map((one) => formatReference(workflow.scope, reference(text(one)))),
            ...into(id, port),
          ];
          if (!sources.length && !Object.keys(rest).length) return [];
          return [
            { id: formatId(workflow.scope, name, port), ...(sources.length ? { source: sources } : {}), ...rest },
          ];
        });
        const outs = (fields["out"] as Fields[]).map((one) => ({
          id: formatId(workflow.scope, name, text(one["id"])),
        }));
        const scatter =
          "scatter" in fields
            ? { scatter: list(fields["scatter"]).map((one) => formatId(workflow.scope, name, localName(text(one)))) }
            : {};
        return [name, shifted({ ...fields, ...scatter, in: ins, out: outs })];
      }),
    ),
  ];
  const keys = [
    ...[...steps.values()].map((id) => `step:${id}`),
    ...[...inputs.values()].map((id) => `input:${id}`),
    ...[...outputs.values()].map((id) => `output:${id}`),
  ];
  return { changes: changes.length ? [...changes, ...namespace(workflow, "sbg")] : [], keys };
}

function reference(source: string): Where {
  const slash = source.indexOf("/");
  return slash < 0 ? { step: "", port: source } : { step: source.slice(0, slash), port: source.slice(slash + 1) };
}
