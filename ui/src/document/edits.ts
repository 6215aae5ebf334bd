/** Edits of a workflow, as changes of its document. What depends on what is changed follows. */
import type { Position } from "../graph/model";
import { ofKey, positionOf } from "./graph";
import { type Item, freeName, localName, written, writtenId } from "./items";
import type { Face } from "./process";
import { type CwlType, given, isOptional, itemOf, readType, shown } from "./types";
import { type Change, type Fields, type Path, type Value, at, isFields, list, text } from "./value";
import { type Link, type StepModel, type Workflow, linkOf, portIn, sourceOf, stepOf, takenBy } from "./workflow";

export const NAMESPACES: Record<string, string> = {
  sbg: "https://www.sevenbridges.com/",
  mlcraft: "https://mlcraft.dev/cwl#",
};

const HEAD = ["cwlVersion", "class", "id", "label", "doc"];

// Places

export function move(workflow: Workflow, moves: readonly { key: string; position: Position }[]): Change[] {
  const changes = moves.flatMap(({ key, position }): Change[] => {
    const item = itemOfKey(workflow, key);
    if (!item) return [];
    const before = positionOf(item.fields);
    const x = Math.round(position.x);
    const y = Math.round(position.y);
    if (before && before.x === x && before.y === y) return [];
    return setFields(item, "type", { "sbg:x": x, "sbg:y": y });
  });
  return changes.length ? [...changes, ...namespace(workflow, "sbg")] : [];
}

export function namespace(workflow: Workflow, prefix: string): Change[] {
  return rootNamespace(workflow.place.value, prefix);
}

export function rootNamespace(root: Value, prefix: string): Change[] {
  const known = isFields(root) ? root["$namespaces"] : undefined;
  if (isFields(known)) return prefix in known ? [] : [{ do: "set", path: ["$namespaces", prefix], value: NAMESPACES[prefix]! }];
  return [{ do: "set", path: ["$namespaces"], value: { [prefix]: NAMESPACES[prefix]! }, after: HEAD }];
}

export function itemOfKey(workflow: Workflow, key: string): Item | undefined {
  const named = ofKey(key);
  if (!named) return undefined;
  if (named.kind === "input") return workflow.inputs.find((one) => one.id === named.id);
  if (named.kind === "output") return workflow.outputs.find((one) => one.item.id === named.id)?.item;
  return stepOf(workflow, named.id)?.item;
}

/** Fields of an item; what is written in short gets its long form. `undefined` takes a field away. */
export function setFields(item: Item, main: string, fields: { [key: string]: Value | undefined }): Change[] {
  if (item.short) {
    const whole = { ...item.fields, ...fields };
    const kept = Object.entries(whole).filter((entry): entry is [string, Value] => entry[1] !== undefined && entry[1] !== null);
    // A short form of an output of a step is its name; one of another thing is its type, source or tool.
    return [{ do: "set", path: item.path, value: onlyMain(kept, main, item) }];
  }
  return Object.entries(fields).flatMap(([key, value]): Change[] => {
    const path = [...item.path, key];
    if (value !== undefined) return [{ do: "set", path, value }];
    return key in item.fields ? [{ do: "delete", path }] : [];
  });
}

function onlyMain(fields: [string, Value][], main: string, item: Item): Value {
  return fields.length === 1 && fields[0]![0] === main && typeof item.path.at(-1) === "string" ? fields[0]![1] : Object.fromEntries(fields);
}

// Adding

export interface NewStep {
  id: string;
  run: Value;
  face: Face | undefined;
  label?: string;
  position?: Position | undefined;
}

export function addStep(workflow: Workflow, { id, run, face, label, position }: NewStep): Change[] {
  const step: Fields = { ...(label ? { label } : {}), run, in: [], out: (face?.outputs ?? []).map((port) => ({ id: writtenId(workflow.scope, id, port.id) })), ...place(position) };
  const changes = [...add(workflow, "steps", id, step), ...(position ? namespace(workflow, "sbg") : [])];
  return face?.kind === "Workflow" ? [...changes, ...requirement(workflow, "SubworkflowFeatureRequirement")] : changes;
}

function place(position: Position | undefined): Fields {
  return position ? { "sbg:x": Math.round(position.x), "sbg:y": Math.round(position.y) } : {};
}

export function addInput(workflow: Workflow, id: string, fields: Fields, position?: Position): Change[] {
  return [...add(workflow, "inputs", id, { ...fields, ...place(position) }), ...(position ? namespace(workflow, "sbg") : [])];
}

export function addOutput(workflow: Workflow, id: string, fields: Fields, position?: Position): Change[] {
  return [...add(workflow, "outputs", id, { ...fields, ...place(position) }), ...(position ? namespace(workflow, "sbg") : [])];
}

/** To a list or a map, whichever is there. */
function add(workflow: Workflow, where: "inputs" | "outputs" | "steps", id: string, fields: Fields): Change[] {
  const path = [...workflow.place.process, where];
  const now = workflow.fields[where];
  const name = writtenId(workflow.scope, id);
  if (isFields(now) && Object.keys(now).length) return [{ do: "set", path: [...path, name], value: fields }];
  const item = { id: name, ...fields };
  if (Array.isArray(now)) return [{ do: "append", path, value: item }];
  return [{ do: "set", path, value: [item] }];
}

export function idsOf(workflow: Workflow): string[] {
  return [...workflow.steps.map((one) => one.id), ...workflow.inputs.map((one) => one.id), ...workflow.outputs.map((one) => one.item.id)];
}

/** An input of the workflow that feeds a port of a step. */
export function addInputFor(workflow: Workflow, stepId: string, port: string, position?: Position): Change[] {
  const step = stepOf(workflow, stepId);
  if (!step) return [];
  const face = portIn(step, port);
  const id = freeName(port, idsOf(workflow));
  const type = typeValue(takenBy(step, port));
  const fields: Fields = { type, ...(face?.label ? { label: face.label } : {}), ...(face?.doc ? { doc: face.doc } : {}) };
  return [...addInput(workflow, id, fields, position), ...connect(workflow, { step: "", port: id }, { step: stepId, port })];
}

/** An output of the workflow with what a port of a step gives. */
export function addOutputFor(workflow: Workflow, stepId: string, port: string, position?: Position): Change[] {
  const step = stepOf(workflow, stepId);
  if (!step) return [];
  const face = step.face?.outputs.find((one) => one.id === port);
  const id = freeName(port, idsOf(workflow));
  const type = typeValue(sourceOf(workflow, { step: stepId, port }).type);
  const source = written(workflow.scope, { step: stepId, port });
  const fields: Fields = { type, ...(face?.label ? { label: face.label } : {}), ...(face?.doc ? { doc: face.doc } : {}), outputSource: [source] };
  return [...addOutput(workflow, id, fields, position), ...gives(step, port, workflow)];
}

export function typeValue(type: CwlType | undefined): Value {
  if (!type) return "Any";
  if (type.kind === "name") return type.name;
  if (type.kind === "array") {
    const inner = typeValue(type.items);
    return typeof inner === "string" && !/[[\]?]/.test(inner) ? `${inner}[]` : { type: "array", items: inner };
  }
  if (type.kind === "enum") return { type: "enum", ...(type.name ? { name: type.name } : {}), symbols: type.symbols };
  if (type.kind === "record") {
    return { type: "record", ...(type.name ? { name: type.name } : {}), fields: type.fields.map((field) => ({ name: field.name, type: typeValue(field.type) })) };
  }
  if (isOptional(type)) {
    const inner = typeValue(given(type));
    if (typeof inner === "string" && !inner.includes("?")) return `${inner}?`;
    return ["null", ...(Array.isArray(inner) ? inner : [inner])];
  }
  return type.of.map(typeValue);
}

// Connecting

export interface Where {
  step: string;
  port: string;
}

/** `to.step` is "" for an output of the workflow. */
export function connect(workflow: Workflow, from: Where, to: Where, scatter = false): Change[] {
  const source = written(workflow.scope, from, likeOf(workflow));
  const origin = from.step ? stepOf(workflow, from.step) : undefined;
  const outs = origin ? gives(origin, from.port, workflow) : [];
  if (to.step === "") {
    const link = workflow.outputs.find((one) => one.item.id === to.port);
    return link ? [...addSource(workflow, link, "outputSource", source), ...outs] : [];
  }
  const step = stepOf(workflow, to.step);
  if (!step) return [];
  const scatters = scatter && !step.scatter.includes(to.port) ? setScatter(workflow, step, [...step.scatter, to.port], step.scatterMethod) : [];
  const link = linkOf(step, to.port);
  if (link) return [...addSource(workflow, link, "source", source), ...outs, ...scatters];
  return [...addLink(workflow, step, to.port, { source }), ...outs, ...scatters];
}

/** How other sources of the document are written, where there are any. */
function likeOf(workflow: Workflow): string | undefined {
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
  const changes: Change[] = Array.isArray(now) ? [{ do: "append", path, value: source }] : [{ do: "set", path, value: [now, source] }];
  return [...changes, ...requirement(workflow, "MultipleInputFeatureRequirement")];
}

/** A new input of a step, to a list or a map. */
export function addLink(workflow: Workflow, step: StepModel, port: string, fields: Fields): Change[] {
  const path = [...step.item.path, "in"];
  const now = step.item.fields["in"];
  const name = writtenId(workflow.scope, step.id, port);
  if (isFields(now) && Object.keys(now).length) {
    const only = Object.keys(fields).length === 1 && typeof fields["source"] === "string";
    return [{ do: "set", path: [...path, name], value: only ? fields["source"]! : fields }];
  }
  const item = { id: name, ...fields };
  return Array.isArray(now) ? [{ do: "append", path, value: item }] : [{ do: "set", path, value: [item] }];
}

/** Lets a step give an output that it has not given so far. */
function gives(step: StepModel, port: string, workflow: Workflow): Change[] {
  if (step.out.some((one) => one.id === port)) return [];
  const now = step.item.fields["out"];
  const name = writtenId(workflow.scope, step.id, port);
  const value = list(now).some((one) => typeof one === "string") ? name : { id: name };
  const path = [...step.item.path, "out"];
  return [Array.isArray(now) ? { do: "append", path, value } : { do: "set", path, value: [...list(now), value] }];
}

export function disconnect(workflow: Workflow, from: Where, to: Where): Change[] {
  const link = to.step === "" ? workflow.outputs.find((one) => one.item.id === to.port) : linkOf(stepOf(workflow, to.step) ?? ({ links: [] } as never), to.port);
  const gone = link?.sources.filter((one) => one.step === from.step && one.port === from.port) ?? [];
  if (!link || !gone.length) return [];
  const step = to.step ? stepOf(workflow, to.step) : undefined;
  return withoutSources(link, to.step === "" ? "outputSource" : "source", gone.map((one) => one.written), step);
}

function withoutSources(link: Link, key: "source" | "outputSource", gone: readonly string[], step?: StepModel): Change[] {
  const { item } = link;
  const left = link.sources.filter((one) => !gone.includes(one.written));
  const now = item.fields[key];
  if (left.length) {
    const path = item.short ? item.path : [...item.path, key];
    return list(now).flatMap((one, index): Change[] => (gone.includes(text(one)) ? [{ do: "delete", path: [...path, index] }] : []));
  }
  const others = Object.keys(item.fields).filter((name) => name !== key && name !== "id");
  if (key === "source" && (item.short || others.length === 0)) {
    const unscattered = step?.scatter.includes(item.id) ? withoutScatter(step, item.id) : [];
    return [{ do: "delete", path: item.path }, ...unscattered];
  }
  return [{ do: "delete", path: [...item.path, key] }];
}

function withoutScatter(step: StepModel, port: string): Change[] {
  const now = step.item.fields["scatter"];
  const path = [...step.item.path, "scatter"];
  const left = step.scatter.filter((one) => one !== port);
  const method: Change[] = left.length < 2 && step.scatterMethod ? [{ do: "delete", path: [...step.item.path, "scatterMethod"] }] : [];
  if (!left.length) return [{ do: "delete", path }, ...method];
  return [...list(now).flatMap((one, index): Change[] => (localName(text(one)) === port ? [{ do: "delete", path: [...path, index] }] : [])), ...method];
}

// Removing

/** Nodes by their keys, with what leads to and from them; edges are given as their two ends. */
export function remove(workflow: Workflow, keys: readonly string[], edges: readonly { from: Where; to: Where }[] = []): Change[] {
  const named = keys.map(ofKey).filter((one) => one !== undefined);
  const gone = (kind: string) => new Set(named.filter((one) => one.kind === kind).map((one) => one.id));
  const [inputs, outputs, steps] = [gone("input"), gone("output"), gone("step")];
  const changes: Change[] = named.flatMap(({ kind, id }) => {
    const item = itemOfKey(workflow, `${kind}:${id}`);
    return item ? [{ do: "delete" as const, path: item.path }] : [];
  });
  const cut = (link: Link, to: Where): string[] => link.sources
    .filter((one) => (one.step ? steps.has(one.step) : inputs.has(one.port)) || edges.some((edge) => edge.to.step === to.step && edge.to.port === to.port && edge.from.step === one.step && edge.from.port === one.port))
    .map((one) => one.written);
  for (const step of workflow.steps) {
    if (steps.has(step.id)) continue;
    for (const link of step.links) {
      const written = cut(link, { step: step.id, port: link.item.id });
      if (written.length) changes.push(...withoutSources(link, "source", written, step));
    }
  }
  for (const link of workflow.outputs) {
    if (outputs.has(link.item.id)) continue;
    const written = cut(link, { step: "", port: link.item.id });
    if (written.length) changes.push(...withoutSources(link, "outputSource", written));
  }
  return unique(changes);
}

/** Two inputs of one step may both want to end the same scatter. */
function unique(changes: Change[]): Change[] {
  const seen = new Set<string>();
  return changes.filter((change) => {
    const name = JSON.stringify([change.do, change.path]);
    return change.do !== "delete" || (!seen.has(name) && !!seen.add(name));
  });
}

// Renaming

export function rename(workflow: Workflow, key: string, id: string): Change[] {
  const named = ofKey(key);
  const item = itemOfKey(workflow, key);
  if (!named || !item || named.id === id) return [];
  const { scope } = workflow;
  const changes: Change[] = [renameItem(item, written(scope, { step: "", port: id }, rawId(item)))];
  const follow = (source: { step: string; port: string }): Where | undefined => {
    if (named.kind === "input" && source.step === "" && source.port === named.id) return { step: "", port: id };
    if (named.kind === "step" && source.step === named.id) return { step: id, port: source.port };
    return undefined;
  };
  const links: [Link, "source" | "outputSource"][] = [
    ...workflow.steps.flatMap((step) => step.links.map((link): [Link, "source"] => [link, "source"])),
    ...workflow.outputs.map((link): [Link, "outputSource"] => [link, "outputSource"]),
  ];
  for (const [link, field] of links) {
    link.sources.forEach((source, index) => {
      const now = follow(source);
      if (!now) return;
      const value = written(scope, now, source.written);
      const path = link.item.short ? link.item.path : [...link.item.path, field];
      const whole = link.item.fields[field];
      changes.push({ do: "set", path: Array.isArray(whole) ? [...path, index] : path, value });
    });
  }
  if (named.kind === "step") changes.push(...packedNames(workflow, named.id, id));
  changes.push(...inData(workflow, named.kind, named.id, id));
  return changes;
}

function rawId(item: Item): string {
  return typeof item.path.at(-1) === "string" ? String(item.path.at(-1)) : text(item.fields["id"]);
}

function renameItem(item: Item, name: string): Change {
  return typeof item.path.at(-1) === "string" ? { do: "rename", path: item.path, key: name } : { do: "set", path: [...item.path, "id"], value: name };
}

/** In packed documents a step's inputs and outputs have its name in theirs. */
function packedNames(workflow: Workflow, old: string, id: string): Change[] {
  const step = stepOf(workflow, old);
  const prefix = `#${workflow.scope.id}/${old}/`;
  if (!step || !workflow.scope.packed) return [];
  const rewrite = (value: Value | undefined, path: Path): Change[] => {
    if (typeof value === "string") return value.startsWith(prefix) ? [{ do: "set", path, value: `#${workflow.scope.id}/${id}/${value.slice(prefix.length)}` }] : [];
    if (Array.isArray(value)) return value.flatMap((one, index) => rewrite(one, [...path, index]));
    return isFields(value) ? rewrite(value["id"], [...path, "id"]) : [];
  };
  return ["in", "out", "scatter"].flatMap((key) => rewrite(step.item.fields[key], [...step.item.path, key]));
}

/** `mlcraft:Data` names inputs and outputs of the workflow. */
function inData(workflow: Workflow, kind: string, old: string, id: string): Change[] {
  if (kind === "step") return [];
  const path = hintPath(workflow.fields["hints"], [...workflow.place.process, "hints"], "mlcraft:Data");
  const entries = path && at(workflow.place.value, [...path, `${kind}s`]);
  if (!path || !Array.isArray(entries)) return [];
  return entries.flatMap((entry, index): Change[] =>
    isFields(entry) && entry[kind] === old ? [{ do: "set", path: [...path, `${kind}s`, index, kind], value: id }] : [],
  );
}

// Steps

export function setScatter(workflow: Workflow, step: StepModel, ports: readonly string[], method: string): Change[] {
  const path = step.item.path;
  const changes: Change[] = [];
  const names = ports.map((port) => writtenId(workflow.scope, step.id, port));
  if (names.length) changes.push({ do: "set", path: [...path, "scatter"], value: names }, ...requirement(workflow, "ScatterFeatureRequirement"));
  else if ("scatter" in step.item.fields) changes.push({ do: "delete", path: [...path, "scatter"] });
  const wanted = ports.length > 1 ? method || "dotproduct" : "";
  if (wanted) changes.push({ do: "set", path: [...path, "scatterMethod"], value: wanted });
  else if ("scatterMethod" in step.item.fields) changes.push({ do: "delete", path: [...path, "scatterMethod"] });
  return changes;
}

export function setWhen(workflow: Workflow, step: StepModel, when: string): Change[] {
  if (!when) return "when" in step.item.fields ? [{ do: "delete", path: [...step.item.path, "when"] }] : [];
  return [{ do: "set", path: [...step.item.path, "when"], value: when }, ...newVersion(workflow), ...forExpression(workflow, when)];
}

/** Fields of a step's input, which is made where it is not there yet; an input with nothing left goes. */
export function setLinkFields(workflow: Workflow, step: StepModel, port: string, fields: { [key: string]: Value | undefined }): Change[] {
  const expression = text(fields["valueFrom"] ?? undefined);
  const more = [
    ...(expression ? [...requirement(workflow, "StepInputExpressionRequirement"), ...forExpression(workflow, expression)] : []),
    ...(fields["pickValue"] ? newVersion(workflow) : []),
    ...(fields["linkMerge"] ? requirement(workflow, "MultipleInputFeatureRequirement") : []),
  ];
  const link = linkOf(step, port);
  const values = Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, Value] => entry[1] !== undefined));
  if (!link) return Object.keys(values).length ? [...addLink(workflow, step, port, values), ...more] : [];
  const left = Object.keys({ ...link.item.fields, ...values }).filter((key) => key !== "id" && !(key in fields && fields[key] === undefined));
  if (left.length === 0) return [{ do: "delete", path: link.item.path }];
  return [...setFields(link.item, "source", fields), ...more];
}

export function setOutputFields(workflow: Workflow, link: Link, fields: { [key: string]: Value | undefined }): Change[] {
  return [...setFields(link.item, "type", fields), ...(fields["pickValue"] ? newVersion(workflow) : [])];
}

function newVersion(workflow: Workflow): Change[] {
  if (workflow.version !== "v1.0" && workflow.version !== "v1.1") return [];
  return [{ do: "set", path: ["cwlVersion"], value: "v1.2" }];
}

/** More than a reference to a parameter is JavaScript. */
function forExpression(workflow: Workflow, expression: string): Change[] {
  const simple = /^\$\(\s*(inputs|self|runtime)(\.\w+|\[\d+\]|\['[^']*'\]|\["[^"]*"\])*\s*\)$/;
  const parts = expression.match(/\$\([^]*?\)|\$\{[^]*\}/g) ?? [];
  const isSimple = parts.length === 0 || simple.test(expression) || parts.every((part) => simple.test(part));
  return isSimple ? [] : requirement(workflow, "InlineJavascriptRequirement");
}

// Requirements and hints

export function requirement(workflow: Workflow, name: string): Change[] {
  return requirementOf(workflow.fields, workflow.place.process, name);
}

export function requirementOf(process: Fields, path: Path, name: string, fields: Fields = {}): Change[] {
  const now = process["requirements"];
  const here = [...path, "requirements"];
  const found = hintPath(now, here, name);
  if (found) return [];
  if (isFields(now) && Object.keys(now).length) return [{ do: "set", path: [...here, name], value: fields }];
  const value = { class: name, ...fields };
  return Array.isArray(now) ? [{ do: "append", path: here, value }] : [{ do: "set", path: here, value: [value] }];
}

/** Where a hint or requirement is, in a list or a map. */
export function hintPath(hints: Value | undefined, path: Path, name: string): Path | undefined {
  if (Array.isArray(hints)) {
    const index = hints.findIndex((one) => isFields(one) && one["class"] === name);
    return index < 0 ? undefined : [...path, index];
  }
  return isFields(hints) && name in hints ? [...path, name] : undefined;
}

export function hintFields(hints: Value | undefined, name: string): Fields | undefined {
  const path = hintPath(hints, [], name);
  const found = path && at(hints, path);
  return path ? (isFields(found) ? found : {}) : undefined;
}

/** The fields of a hint or requirement of a process or step; one with none left goes, unless it is to `stay`. */
export function setHint(root: Value, owner: { fields: Fields; path: Path }, name: string, fields: { [key: string]: Value | undefined }, { where = "hints", stay = false }: { where?: "hints" | "requirements"; stay?: boolean } = {}): Change[] {
  const hints = owner.fields[where];
  const here = [...owner.path, where];
  const path = hintPath(hints, here, name);
  const now = hintFields(hints, name);
  const values = Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, Value] => entry[1] !== undefined));
  const prefix = name.includes(":") ? name.slice(0, name.indexOf(":")) : "";
  const names = prefix in NAMESPACES ? rootNamespace(root, prefix) : [];
  if (!path || !now) {
    if (!Object.keys(values).length && !stay) return [];
    const isMap = isFields(hints) && Object.keys(hints).length > 0;
    if (isMap) return [{ do: "set", path: [...here, name], value: values }, ...names];
    const value = { class: name, ...values };
    return [Array.isArray(hints) ? { do: "append", path: here, value } : { do: "set", path: here, value: [value] }, ...names];
  }
  const left = Object.keys({ ...now, ...values }).filter((key) => key !== "class" && !(key in fields && fields[key] === undefined));
  if (!left.length && !stay) return removeHint(owner, name, where);
  const raw = at(root, path);
  if (!isFields(raw)) return [{ do: "set", path, value: values }];
  return Object.entries(fields).flatMap(([key, value]): Change[] => {
    if (value !== undefined) return [{ do: "set", path: [...path, key], value }];
    return key in now ? [{ do: "delete", path: [...path, key] }] : [];
  });
}

export function removeHint(owner: { fields: Fields; path: Path }, name: string, where: "hints" | "requirements" = "hints"): Change[] {
  const hints = owner.fields[where];
  const path = hintPath(hints, [...owner.path, where], name);
  if (!path) return [];
  const count = Array.isArray(hints) ? hints.length : Object.keys(hints as Fields).length;
  return [{ do: "delete", path: count === 1 ? [...owner.path, where] : path }];
}

// Copies

export interface Clip {
  steps: { id: string; fields: Fields }[];
  inputs: { id: string; fields: Fields }[];
  outputs: { id: string; fields: Fields }[];
  /** Connections among them. */
  links: { from: Where; to: Where }[];
}

export function copy(workflow: Workflow, keys: readonly string[]): Clip {
  const clip: Clip = { steps: [], inputs: [], outputs: [], links: [] };
  const named = keys.map(ofKey).filter((one) => one !== undefined);
  const has = (kind: string, id: string) => named.some((one) => one.kind === kind && one.id === id);
  const inside = (source: Where) => (source.step ? has("step", source.step) : has("input", source.port));
  for (const { kind, id } of named) {
    const item = itemOfKey(workflow, `${kind}:${id}`);
    if (!item) continue;
    const { id: _, ...fields } = item.fields;
    if (kind === "step") {
      const step = stepOf(workflow, id)!;
      clip.steps.push({ id, fields: { ...fields, in: [], out: step.out.map((one) => ({ id: one.id })) } });
      const own = clip.steps.at(-1)!.fields;
      for (const link of step.links) {
        for (const one of link.sources) if (inside(one)) clip.links.push({ from: { step: one.step, port: one.port }, to: { step: id, port: link.item.id } });
        const { id: _name, source: _source, ...rest } = link.item.fields;
        // Sources outside stay, so that a copy beside the original takes what that takes.
        const outside = link.sources.filter((one) => !inside(one)).map((one) => (one.step ? `${one.step}/${one.port}` : one.port));
        if (Object.keys(rest).length || outside.length) (own["in"] as Value[]).push({ id: link.item.id, ...(outside.length ? { source: outside } : {}), ...rest });
      }
    } else if (kind === "input") clip.inputs.push({ id, fields });
    else {
      const link = workflow.outputs.find((one) => one.item.id === id)!;
      const { outputSource: _source, ...rest } = fields;
      clip.outputs.push({ id, fields: rest });
      for (const one of link.sources) if (inside(one)) clip.links.push({ from: { step: one.step, port: one.port }, to: { step: "", port: id } });
    }
  }
  return clip;
}

/** What has been copied, with names that are free; sources that this workflow does not have are left out. */
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
  const now = (from: Where) => written(workflow.scope, from.step ? { step: steps.get(from.step)!, port: from.port } : { step: "", port: inputs.get(from.port)! });
  const into = (step: string, port: string) => clip.links.filter((one) => one.to.step === step && one.to.port === port).map((one) => now(one.from));
  const known = (source: string) => {
    const slash = source.indexOf("/");
    return sourceOf(workflow, slash < 0 ? { step: "", port: source } : { step: source.slice(0, slash), port: source.slice(slash + 1) }).known;
  };
  const many = (where: "inputs" | "outputs" | "steps", all: [string, Fields][]): Change[] => {
    if (!all.length) return [];
    const first = add(workflow, where, all[0]![0], all[0]![1]);
    if (first[0]!.do === "set" && Array.isArray(first[0]!.value)) {
      return [{ ...first[0]!, value: all.map(([id, fields]) => ({ id: writtenId(workflow.scope, id), ...fields })) }];
    }
    return all.flatMap(([id, fields]) => add(workflow, where, id, fields));
  };
  const changes = [
    ...many("inputs", clip.inputs.map(({ id, fields }) => [inputs.get(id)!, shifted(fields)])),
    ...many("outputs", clip.outputs.map(({ id, fields }) => {
      const sources = into("", id);
      return [outputs.get(id)!, shifted({ ...fields, ...(sources.length ? { outputSource: sources } : {}) })];
    })),
    ...many("steps", clip.steps.map(({ id, fields }) => {
      const name = steps.get(id)!;
      const before = (fields["in"] as Fields[]).map((one) => ({ ...one, source: list(one["source"]).filter((source) => known(text(source))) }));
      const ports = [...new Set([...before.map((one) => text((one as Fields)["id"])), ...clip.links.filter((one) => one.to.step === id).map((one) => one.to.port)])];
      const ins = ports.flatMap((port) => {
        const { id: _, source, ...rest } = (before.find((one) => (one as Fields)["id"] === port) ?? { id: port, source: [] }) as Fields;
        const sources = [...list(source).map((one) => written(workflow.scope, reference(text(one)))), ...into(id, port)];
        if (!sources.length && !Object.keys(rest).length) return [];
        return [{ id: writtenId(workflow.scope, name, port), ...(sources.length ? { source: sources } : {}), ...rest }];
      });
      const outs = (fields["out"] as Fields[]).map((one) => ({ id: writtenId(workflow.scope, name, text(one["id"])) }));
      const scatter = "scatter" in fields ? { scatter: list(fields["scatter"]).map((one) => writtenId(workflow.scope, name, localName(text(one)))) } : {};
      return [name, shifted({ ...fields, ...scatter, in: ins, out: outs })];
    })),
  ];
  const keys = [...[...steps.values()].map((id) => `step:${id}`), ...[...inputs.values()].map((id) => `input:${id}`), ...[...outputs.values()].map((id) => `output:${id}`)];
  return { changes: changes.length ? [...changes, ...namespace(workflow, "sbg")] : [], keys };
}

function reference(source: string): Where {
  const slash = source.indexOf("/");
  return slash < 0 ? { step: "", port: source } : { step: source.slice(0, slash), port: source.slice(slash + 1) };
}

/** The type of each item, where a port takes a list. */
export function itemType(type: Value | undefined): string {
  return shown(itemOf(readType(type)));
}
