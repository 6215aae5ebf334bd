/** The interface of a process: its kind, inputs and outputs. */
import type { TypedPort } from "../api/types";
import type { GraphNode, Port } from "../graph/model";
import { type Item, items, localName } from "./items";
import { type CwlType, isOptional, readType, formatType } from "./types";
import { type Fields, type Path, type Value, isFields, text } from "./value";

export interface FacePort {
  id: string;
  type: CwlType | undefined;
  label: string;
  doc: string;
  /** Must be given, as it is not optional and has no default. */
  required: boolean;
  format?: Value | undefined;
}

export interface Face {
  kind: NonNullable<GraphNode["tool"]>["kind"];
  label: string;
  doc: string;
  hint: string;
  inputs: FacePort[];
  outputs: FacePort[];
}

const KINDS = ["CommandLineTool", "ExpressionTool", "Workflow", "Operation"] as const;

/** The process of a document that its DAG runs: `#main`, or the only workflow, or the first of all. */
export function mainPath(value: Value | undefined): Path | undefined {
  if (!isFields(value)) return undefined;
  const packed = value["$graph"];
  if (Array.isArray(packed)) {
    const all = packed.map((one, index) => ({ one, index })).filter(({ one }) => isFields(one) && kindOf(one));
    const main = all.find(({ one }) => ["main", "#main"].includes(text((one as Fields)["id"])));
    const workflows = all.filter(({ one }) => kindOf(one) === "Workflow");
    const found = main ?? workflows[0] ?? all[0];
    return found ? ["$graph", found.index] : undefined;
  }
  return kindOf(value) ? [] : undefined;
}

/** The processes of a packed document by the names that `run` gives them. */
export function packedPath(value: Value, run: string): Path | undefined {
  const packed = isFields(value) ? value["$graph"] : undefined;
  if (!Array.isArray(packed) || !run.startsWith("#")) return undefined;
  const index = packed.findIndex((one) => isFields(one) && text(one["id"]).replace(/^#/, "") === run.slice(1));
  return index < 0 ? undefined : ["$graph", index];
}

export function kindOf(process: Value | undefined): Face["kind"] {
  const found = isFields(process) ? text(process["class"]) : "";
  return (KINDS as readonly string[]).includes(found) ? (found as Face["kind"]) : "";
}

const faces = new WeakMap<Fields, Face>();

/** The same object for the same fields. */
export function faceOf(process: Fields): Face {
  let face = faces.get(process);
  if (!face) {
    face = {
      kind: kindOf(process),
      label: text(process["label"]),
      doc: docText(process["doc"]),
      hint: hintOf(process),
      inputs: items(process["inputs"], [], "id", "type").map((item) => facePort(item, true)),
      outputs: items(process["outputs"], [], "id", "type").map((item) => facePort(item, false)),
    };
    faces.set(process, face);
  }
  return face;
}

function facePort(item: Item, isInput: boolean): FacePort {
  const type = readType(item.fields["type"]);
  return {
    id: item.id,
    type,
    label: text(item.fields["label"]),
    doc: docText(item.fields["doc"]),
    required: isInput && !isOptional(type) && !("default" in item.fields),
    format: item.fields["format"],
  };
}

/** The interface of a document whose ports the server has sent. */
export function faceFromPorts(
  kind: string,
  inputs: (TypedPort & { optional?: boolean; default?: unknown })[],
  outputs: TypedPort[],
  more: Partial<Face> = {},
): Face {
  const port = (one: TypedPort & { optional?: boolean; default?: unknown }, isInput: boolean): FacePort => {
    const type = readType(one.type);
    return {
      id: one.id,
      type,
      label: one.label ?? "",
      doc: one.doc ?? "",
      required: isInput && !one.optional && one.default === undefined && !isOptional(type),
    };
  };
  return {
    kind: kindOf({ class: kind }),
    label: "",
    doc: "",
    hint: "",
    ...more,
    inputs: inputs.map((one) => port(one, true)),
    outputs: outputs.map((one) => port(one, false)),
  };
}

export function docText(doc: Value | undefined): string {
  return Array.isArray(doc) ? doc.map(text).join("\n") : text(doc);
}

/** The hint with the operator of a tool or step, such as `mlcraft:Train`. */
export function hintOf(process: Fields): string {
  const hints = process["hints"];
  const classes = Array.isArray(hints)
    ? hints.map((one) => (isFields(one) ? text(one["class"]) : ""))
    : isFields(hints)
      ? Object.keys(hints)
      : [];
  return (
    classes.find(
      (name) => name.startsWith("mlcraft:") && !["mlcraft:Dag", "mlcraft:Task", "mlcraft:Data"].includes(name),
    ) ?? ""
  );
}

export function portOf(face: FacePort): Port {
  const port: Port = { id: face.id, type: formatType(face.type) };
  if (face.label) port.label = face.label;
  if (face.doc) port.doc = face.doc;
  return port;
}

export function runName(run: Value | undefined): string {
  if (typeof run === "string") return run.startsWith("#") ? localName(run) : run.slice(run.lastIndexOf("/") + 1);
  if (isFields(run))
    return text(run["$import"]) ? runName(run["$import"]) : text(run["label"]) || localName(text(run["id"]));
  return "";
}

export function isProcess(value: Value | undefined): value is Fields {
  return isFields(value) && kindOf(value) !== "";
}
