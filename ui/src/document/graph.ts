/** The picture of a workflow in a document. */
import { wireKey } from "../graph/keys";
import type { Graph, GraphEdge, GraphNode, Port, Position } from "../graph/model";
import { docText, portOf, runName } from "./process";
import { arrayOf, readType, formatType } from "./types";
import { type Fields, isFields, text } from "./value";
import {
  type Link,
  type StepModel,
  type Workflow,
  runPlace,
  linkOf,
  portIn,
  readWorkflow,
  outputType,
} from "./workflow";

/** Deeper workflows are not drawn: a document may run itself. */
const MAX_DEPTH = 8;

/** `problems` are sentences by the keys of nodes. */
export function graphOf(workflow: Workflow, problems: ReadonlyMap<string, string> = new Map()): Graph {
  return levelOf(workflow, "", 0, problems);
}

function levelOf(workflow: Workflow, prefix: string, depth: number, problems: ReadonlyMap<string, string>): Graph {
  return {
    nodes: [
      ...workflow.inputs.map((item) => {
        const key = `${prefix}input:${item.id}`;
        return reuseNode(item.value, key, problems.get(key), [], () => end("input", item.id, key, item.fields));
      }),
      ...workflow.steps.map((step) => stepNode(step, workflow, prefix, depth, problems)),
      ...workflow.outputs.map(({ item }) => {
        const key = `${prefix}output:${item.id}`;
        return reuseNode(item.value, key, problems.get(key), [], () => end("output", item.id, key, item.fields));
      }),
    ],
    edges: edgesOf(workflow, prefix),
  };
}

interface Kept {
  key: string;
  problem: string | undefined;
  with: readonly unknown[];
  node: GraphNode;
}
const nodes = new WeakMap<object, Kept[]>();

/** The same node for the same part of the document. */
function reuseNode(
  value: unknown,
  key: string,
  problem: string | undefined,
  others: readonly unknown[],
  make: () => GraphNode,
): GraphNode {
  const cached = isFields(value) ? (nodes.get(value) ?? []) : [];
  const known = cached.find((one) => one.key === key);
  if (
    known &&
    known.problem === problem &&
    known.with.every((one, index) => one === others[index]) &&
    known.with.length === others.length
  )
    return known.node;
  const node = make();
  if (problem) node.problem = problem;
  if (isFields(value))
    nodes.set(value, [...cached.filter((one) => one.key !== key), { key, problem, with: others, node }]);
  return node;
}

function end(kind: "input" | "output", id: string, key: string, fields: Fields): GraphNode {
  const port: Port = { id, type: formatType(readType(fields["type"])) };
  const node: GraphNode = {
    key,
    kind,
    id,
    label: text(fields["label"]) || id,
    inputs: kind === "output" ? [port] : [],
    outputs: kind === "input" ? [port] : [],
  };
  return withDetails(node, fields);
}

function withDetails(node: GraphNode, fields: Fields): GraphNode {
  const doc = docText(fields["doc"]);
  if (doc) node.doc = doc;
  const position = positionOf(fields);
  if (position) node.position = position;
  return node;
}

export function positionOf(fields: Fields): Position | undefined {
  const [x, y] = [fields["sbg:x"], fields["sbg:y"]];
  return isNumber(x) && isNumber(y) ? { x: Number(x), y: Number(y) } : undefined;
}

function isNumber(value: unknown): boolean {
  return (
    value !== null &&
    value !== undefined &&
    typeof value !== "boolean" &&
    value !== "" &&
    Number.isFinite(Number(value))
  );
}

function stepNode(
  step: StepModel,
  workflow: Workflow,
  prefix: string,
  depth: number,
  problems: ReadonlyMap<string, string>,
): GraphNode {
  const key = `${prefix}step:${step.id}`;
  const place = runPlace(step.run, step.found, workflow.place);
  const isWorkflow = step.face?.kind === "Workflow" && place && depth < MAX_DEPTH;
  // A workflow of a packed document changes with it.
  const others = isWorkflow ? [place.value, place.library] : [step.face];
  return reuseNode(step.item.value, key, problems.get(key), others, () => {
    const inside = isWorkflow ? readWorkflow(place) : undefined;
    const node: GraphNode = {
      key,
      kind: "step",
      id: step.id,
      label: text(step.item.fields["label"]) || step.id,
      inputs: inputPorts(step),
      outputs: outputPorts(step),
      tool: { kind: step.face?.kind ?? "", name: runName(step.run) },
    };
    if (step.face?.hint) node.tool!.hint = step.face.hint;
    if (step.scatter.length) node.scatter = step.scatter;
    if (step.scatterMethod) node.scatterMethod = step.scatterMethod;
    if (step.when) node.when = step.when;
    if (inside) node.inside = levelOf(inside, `${prefix}${step.id}/`, depth + 1, problems);
    return withDetails(node, step.item.fields);
  });
}

function inputPorts(step: StepModel): Port[] {
  const declared = (step.face?.inputs ?? []).map((one) => {
    const port = portOf(one);
    if (!one.required && !linkOf(step, one.id)) return { ...port, quiet: true };
    if (!step.scatter.includes(one.id)) return port;
    return { ...port, type: formatType(one.type && arrayOf(one.type)), scattered: true };
  });
  const more = step.links
    .filter((link) => !portIn(step, link.item.id))
    .map((link) => ({
      id: link.item.id,
      type: "",
      ...(step.scatter.includes(link.item.id) ? { scattered: true } : {}),
    }));
  return [...declared, ...more];
}

function outputPorts(step: StepModel): Port[] {
  const declared = (step.face?.outputs ?? []).map((one) => ({
    ...portOf(one),
    type: formatType(outputType(step, one.id)),
  }));
  const more = step.out
    .filter((one) => !declared.some((port) => port.id === one.id))
    .map((one) => ({ id: one.id, type: "" }));
  return [...declared, ...more];
}

function edgesOf(workflow: Workflow, prefix: string): GraphEdge[] {
  const known = new Set([
    ...workflow.inputs.map((one) => `input:${one.id}`),
    ...workflow.steps.map((one) => `step:${one.id}`),
  ]);
  const edges: GraphEdge[] = [];
  const add = (link: Link, node: string) => {
    for (const source of link.sources) {
      const from = source.step ? `step:${source.step}` : `input:${source.port}`;
      if (!known.has(from)) continue;
      edges.push(edge({ node: prefix + from, port: source.port }, { node: prefix + node, port: link.item.id }));
    }
  };
  for (const step of workflow.steps) for (const link of step.links) add(link, `step:${step.id}`);
  for (const output of workflow.outputs) add(output, `output:${output.item.id}`);
  return edges;
}

function edge(from: GraphEdge["from"], to: GraphEdge["to"]): GraphEdge {
  return { key: wireKey(from, to), from, to };
}

/** The node or edge of the outermost level with a key. */
export function parseKey(key: string): { kind: "input" | "output" | "step"; id: string } | undefined {
  const match = /^(input|output|step):([^/]+)$/.exec(key);
  return match ? { kind: match[1] as "input", id: match[2]! } : undefined;
}
