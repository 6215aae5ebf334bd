/** A workflow in a document: its inputs, outputs and steps, with their positions and types. */
import { memoize } from "./memoize";
import { type Item, type Scope, items, localName, parseReference, scopeOf } from "./items";
import { type Face, type FacePort, faceOf, isProcess, kindOf, packedPath } from "./process";
import { type CwlType, arrayOf, itemOf, toOptional, readType } from "./types";
import { type Fields, type Path, type Value, at, isFields, list, text } from "./value";

/** The library of other documents. */
export interface Library {
  /** The process that `run` names, seen from the document at `from`; the same object as long as nothing has changed. */
  find: (from: string, run: string) => Found | undefined;
}

export interface Found {
  /** Where it lies, as the library names it. */
  path: string;
  face: Face;
  /** The whole document and its process, where it has been read. */
  value?: Value;
  process?: Path;
}

export const EMPTY_LIBRARY: Library = { find: () => undefined };

export interface Place {
  /** The whole document. */
  value: Value;
  /** The path of the document, as the library names it. */
  document: string;
  /** The path of the process in it. */
  process: Path;
  library: Library;
}

export interface Source {
  step: string;
  port: string;
  /** As it is written. */
  written: string;
}

/** The sources and fields of a step's input, or of an output of the workflow. */
export interface Link {
  item: Item;
  sources: Source[];
  linkMerge: string;
  pickValue: string;
}

export interface StepModel {
  id: string;
  item: Item;
  run: Value | undefined;
  found: Found | undefined;
  face: Face | undefined;
  links: Link[];
  out: { id: string; path: Path }[];
  scatter: string[];
  scatterMethod: string;
  when: string;
}

export interface Workflow {
  place: Place;
  fields: Fields;
  scope: Scope;
  version: string;
  inputs: Item[];
  outputs: Link[];
  steps: StepModel[];
}

export function readWorkflow(place: Place): Workflow | undefined {
  const fields = at(place.value, place.process);
  if (!isFields(fields) || kindOf(fields) !== "Workflow") return undefined;
  const scope = scopeOf(fields, place.process[0] === "$graph");
  return {
    place,
    fields,
    scope,
    version: text(fields["cwlVersion"]) || text(isFields(place.value) ? place.value["cwlVersion"] : undefined),
    inputs: items(fields["inputs"], [...place.process, "inputs"], "id", "type"),
    outputs: items(fields["outputs"], [...place.process, "outputs"], "id", "type").map((item) =>
      link(item, "outputSource", scope),
    ),
    steps: items(fields["steps"], [...place.process, "steps"], "id", "run").map((item) => step(item, scope, place)),
  };
}

const steps = new WeakMap<
  Fields,
  { path: string; scope: string; place: Pick<Place, "document" | "library" | "value">; model: StepModel }
>();

function step(item: Item, scope: Scope, place: Place): StepModel {
  const path = JSON.stringify(item.path);
  const run = item.fields["run"];
  const found = typeof run === "string" && run.startsWith("#") ? undefined : findRun(run, place);
  const known = isFields(item.value) ? steps.get(item.value) : undefined;
  if (
    known &&
    known.path === path &&
    known.scope === scope.id &&
    known.model.found === found &&
    known.model.id === item.id &&
    !isPacked(run)
  ) {
    return known.model;
  }
  const model: StepModel = {
    id: item.id,
    item,
    run,
    found,
    face: faceOfRun(run, found, place),
    links: items(item.fields["in"], [...item.path, "in"], "id", "source").map((one) => link(one, "source", scope)),
    out: list(item.fields["out"]).map((one, index) => ({
      id: localName(text(isFields(one) ? one["id"] : one)),
      path: Array.isArray(item.fields["out"]) ? [...item.path, "out", index] : [...item.path, "out"],
    })),
    scatter: list(item.fields["scatter"]).map((one) => localName(text(one))),
    scatterMethod: text(item.fields["scatterMethod"]),
    when: text(item.fields["when"]),
  };
  if (isFields(item.value)) steps.set(item.value, { path, scope: scope.id, place, model });
  return model;
}

function isPacked(run: Value | undefined): boolean {
  return typeof run === "string" && run.startsWith("#");
}

function findRun(run: Value | undefined, place: Place): Found | undefined {
  const address = typeof run === "string" ? run : isFields(run) ? text(run["$import"]) : "";
  return address ? place.library.find(place.document, address) : undefined;
}

function faceOfRun(run: Value | undefined, found: Found | undefined, place: Place): Face | undefined {
  const embedded = runPlace(run, found, place);
  const process = embedded && at(embedded.value, embedded.process);
  return found?.face ?? (isProcess(process) ? faceOf(process) : undefined);
}

/** Where the process that a step runs is written, if it has been read. */
export function runPlace(
  run: Value | undefined,
  found: Found | undefined,
  place: Place,
  path: Path = [],
): Place | undefined {
  if (typeof run === "string" && run.startsWith("#")) {
    const packed = packedPath(place.value, run);
    return packed && { ...place, process: packed };
  }
  if (found)
    return found.value === undefined
      ? undefined
      : { ...place, value: found.value, document: found.path, process: found.process ?? [] };
  if (isProcess(run))
    return path.length ? { ...place, process: [...path, "run"] } : { ...place, value: run, process: [] };
  return undefined;
}

function link(item: Item, key: "source" | "outputSource", scope: Scope): Link {
  const sources = list(item.short && key === "outputSource" ? undefined : item.fields[key]).filter(
    (one) => typeof one === "string",
  );
  return {
    item,
    sources: sources.map((one) => ({ ...parseReference(scope, one), written: one })),
    linkMerge: text(item.fields["linkMerge"]),
    pickValue: text(item.fields["pickValue"]),
  };
}

export function linkOf(step: StepModel, port: string): Link | undefined {
  return step.links.find((one) => one.item.id === port);
}

// Of two that have one name, the first.
const stepsById = memoize(({ steps }: Workflow) => new Map(steps.toReversed().map((one) => [one.id, one])));

export function stepOf(workflow: Workflow, id: string): StepModel | undefined {
  return stepsById(workflow).get(id);
}

export function portIn(step: StepModel, id: string): FacePort | undefined {
  return step.face?.inputs.find((one) => one.id === id);
}

/** The type that an input of a step accepts: with a scatter over it, a list. */
export function inputType(step: StepModel, port: string): CwlType | undefined {
  const type = portIn(step, port)?.type;
  return type && step.scatter.includes(port) ? arrayOf(type) : type;
}

export function outputType(step: StepModel, port: string): CwlType | undefined {
  let type = step.face?.outputs.find((one) => one.id === port)?.type;
  if (type && step.when) type = toOptional(type);
  if (!type || step.scatter.length === 0) return type;
  return arrayOf(type, step.scatterMethod === "nested_crossproduct" ? step.scatter.length : 1);
}

export interface SourceValue {
  known: boolean;
  type: CwlType | undefined;
  format?: Value | undefined;
}

/** The type of a source; not `known` if there is no such input or output. */
export function sourceOf(workflow: Workflow, source: { step: string; port: string }): SourceValue {
  if (source.step === "") {
    const input = workflow.inputs.find((one) => one.id === source.port);
    return {
      known: input !== undefined,
      type: input && readType(input.fields["type"]),
      format: input?.fields["format"],
    };
  }
  const from = stepOf(workflow, source.step);
  if (!from) return { known: false, type: undefined };
  const port = from.face?.outputs.find((one) => one.id === source.port);
  const known = from.face ? port !== undefined : from.out.some((one) => one.id === source.port);
  return { known, type: outputType(from, source.port), format: port?.format };
}

/** The type of all sources of a link together. */
export function mergedType(
  workflow: Workflow,
  link: Pick<Link, "sources" | "linkMerge" | "pickValue">,
): CwlType | undefined {
  const types = link.sources.map((one) => sourceOf(workflow, one).type);
  if (types.length === 0 || types.some((one) => one === undefined)) return undefined;
  let type: CwlType;
  const all = types as CwlType[];
  if (all.length === 1 && !link.linkMerge) {
    if (!link.pickValue) return all[0];
    type = all[0]!;
  } else {
    const flat = link.linkMerge === "merge_flattened" ? all.map((one) => itemOf(one) ?? one) : all;
    type = { kind: "array", items: unionOf(flat) };
  }
  const item = itemOf(type) ?? type;
  const some: CwlType =
    item.kind === "union" ? unionOf(item.of.filter((one) => !(one.kind === "name" && one.name === "null"))) : item;
  if (link.pickValue === "all_non_null") return arrayOf(some);
  return link.pickValue ? some : type;
}

function unionOf(types: CwlType[]): CwlType {
  const one = types.filter(
    (type, index) => types.findIndex((other) => JSON.stringify(other) === JSON.stringify(type)) === index,
  );
  return one.length === 1 ? one[0]! : { kind: "union", of: one };
}
