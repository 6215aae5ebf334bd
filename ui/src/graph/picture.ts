/** The picture of a graph in one plane: a box for each node that is seen, a wire for each connection. */
import { type Link, type Sized, makeRoom, spreadFactor, documentPositions } from "./arrange";
import { columnLayout } from "./columns";
import { type Ports, portsOf } from "./folding";
import { type Joint, type Size, closedSize, joints, openSize, portsTop, INSET, SIDE } from "./geometry";
import type { Graph, GraphEdge, GraphNode, Port, Position } from "./model";

export interface Box extends Size, Position, Ports {
  key: string;
  node: GraphNode;
  depth: number;
  parent?: string;
  open: boolean;
  joints: Joint[];
}

export interface Wire {
  key: string;
  edge: GraphEdge;
  depth: number;
  from: WireEnd;
  to: WireEnd;
}

/** A joint of a box, by name. */
export interface WireEnd extends Pick<Joint, "port" | "side"> {
  box: string;
  inner: boolean;
}

/** Boxes stand relative to the box that holds them; a box comes after the one that holds it. */
export interface Picture {
  boxes: Box[];
  wires: Wire[];
  /** What the document's positions have been multiplied by. */
  scale: Position;
}

export interface PictureOptions {
  opened: ReadonlySet<string>;
  /** Steps all of whose inputs are to be seen. */
  unfolded?: ReadonlySet<string> | undefined;
  /** Where the outermost nodes stand now, in the document's measure: they stay unless the document moves them. */
  keep?: ReadonlyMap<string, Position> | undefined;
  /** Held while a document is edited. */
  scale?: Position | undefined;
}

interface Level extends Size, Picture {}

const UNSCALED: Position = { x: 1, y: 1 };

export function picture(graph: Graph, wishes: PictureOptions): Picture {
  const { boxes, wires, scale } = level(graph, wishes, 0);
  return { boxes, wires, scale };
}

/** A level with its boxes relative to its top left corner; the outermost is where the document puts it. */
function level(graph: Graph, wishes: PictureOptions, depth: number, parent?: { key: string; top: number }): Level {
  const nodes = parent ? graph.nodes.filter((node) => node.kind === "step") : graph.nodes;
  const insides = new Map<string, Level>();
  const boxes = new Map<string, Box>();
  for (const node of nodes) boxes.set(node.key, box(node, wishes, depth, insides, parent?.key));
  const sized: Sized[] = nodes.map((node) => {
    const { width, height } = boxes.get(node.key)!;
    return {
      key: node.key,
      kind: node.kind,
      size: { width, height },
      closed: closedSize(node),
      position: node.position,
    };
  });
  const wires = graph.edges.flatMap((edge) => wire(edge, boxes, parent?.key, depth) ?? []);
  const links = wires.map(({ from, to }) => ({
    from: from.box,
    to: to.box,
    fromY: below(from, boxes),
    toY: below(to, boxes),
  }));
  const { places, scale } = nodePositions(
    sized,
    links,
    parent ? { ...wishes, keep: undefined, scale: undefined } : wishes,
  );
  const shifted = parent ? corner(sized, places) : { x: 0, y: 0, width: 0, height: 0 };
  for (const found of boxes.values()) {
    const { x, y } = places.get(found.key)!;
    found.x = Math.round(x - found.width / 2 - shifted.x);
    found.y = Math.round(y - found.height / 2 - shifted.y);
    if (parent) {
      found.x += SIDE + INSET;
      found.y += parent.top;
    }
  }
  const inner = [...insides.values()];
  return {
    boxes: [...boxes.values(), ...inner.flatMap((found) => found.boxes)],
    wires: [...wires, ...inner.flatMap((found) => found.wires)],
    width: shifted.width,
    height: shifted.height,
    scale,
  };
}

function box(
  node: GraphNode,
  wishes: PictureOptions,
  depth: number,
  insides: Map<string, Level>,
  parent?: string,
): Box {
  const open = node.inside !== undefined && wishes.opened.has(node.key);
  const ports = portsOf(node, !!wishes.unfolded?.has(node.key));
  const found: Box = { key: node.key, node, depth, open, x: 0, y: 0, ...closedSize(node, ports), ...ports, joints: [] };
  if (parent !== undefined) found.parent = parent;
  if (open && node.inside) {
    found.inputs = withMissing(node.inputs, node.inside, "input");
    found.outputs = withMissing(node.outputs, node.inside, "output");
    found.quiet = [];
    const inside = level(node.inside, wishes, depth + 1, { key: node.key, top: portsTop(node) });
    insides.set(node.key, inside);
    Object.assign(found, openSize(node, inside, found));
  }
  found.joints = joints(node, found, open, found);
  return found;
}

/** An opened sub-workflow has a port for each of its inputs and outputs. */
function withMissing(ports: Port[], inside: Graph, kind: "input" | "output"): Port[] {
  const known = new Set(ports.map((port) => port.id));
  const more = inside.nodes.filter((node) => node.kind === kind && !known.has(node.id));
  return [...ports, ...more.map((node) => ({ type: "", ...node.inputs[0], ...node.outputs[0], id: node.id }))];
}

function wire(edge: GraphEdge, boxes: Map<string, Box>, frame: string | undefined, depth: number): Wire | undefined {
  const from = end(edge.from, "right", boxes, frame);
  const to = end(edge.to, "left", boxes, frame);
  return from && to ? { key: edge.key, edge, depth, from, to } : undefined;
}

function end(
  at: GraphEdge["from"],
  side: "left" | "right",
  boxes: Map<string, Box>,
  frame?: string,
): WireEnd | undefined {
  const found = boxes.get(at.node);
  if (found) {
    const known = found.joints.some((joint) => joint.side === side && joint.port === at.port);
    return known ? { box: found.key, port: at.port, side, inner: false } : undefined;
  }
  const inner = /(?:^|\/)(input|output):([^/]*)$/.exec(at.node);
  if (!inner || frame === undefined) return undefined;
  return { box: frame, port: inner[2]!, side: inner[1] === "input" ? "left" : "right", inner: true };
}

/** How far below its box's middle a wire ends. */
function below(end: WireEnd, boxes: ReadonlyMap<string, Box>): number {
  const found = boxes.get(end.box);
  const joint = found && jointOf(found, end);
  return found && joint ? joint.y - found.height / 2 : 0;
}

/** Where a wire ends, relative to its box. */
export function jointOf(box: Box, end: WireEnd): Joint | undefined {
  return box.joints.find(
    (joint) => joint.port === end.port && joint.side === end.side && (joint.inner ?? false) === end.inner,
  );
}

function nodePositions(nodes: Sized[], links: Link[], wishes: PictureOptions) {
  const own = documentPositions(nodes);
  if (own) {
    const scale = wishes.scale ?? spreadFactor(nodes, own);
    return { places: makeRoom(nodes, scaled(own, scale)), scale };
  }
  if (!wishes.keep?.size) return { places: columnLayout(nodes, links), scale: wishes.scale ?? UNSCALED };
  const closed = nodes.map((node) => ({ ...node, size: node.closed }));
  const missing = closed.some((node) => !wishes.keep!.has(node.key));
  const places = new Map(missing ? columnLayout(closed, links) : []);
  const scale = wishes.scale ?? UNSCALED;
  for (const { key } of nodes) {
    const kept = wishes.keep.get(key);
    if (kept) places.set(key, { x: kept.x * scale.x, y: kept.y * scale.y });
  }
  return { places: makeRoom(nodes, places), scale };
}

function scaled(places: ReadonlyMap<string, Position>, factor: Position): Map<string, Position> {
  return new Map([...places].map(([key, { x, y }]) => [key, { x: x * factor.x, y: y * factor.y }]));
}

function corner(nodes: Sized[], places: ReadonlyMap<string, Position>): Position & Size {
  if (!nodes.length) return { x: 0, y: 0, width: 120, height: 0 };
  const found = nodes.map(({ key, size }) => ({ ...places.get(key)!, ...size }));
  const x = Math.min(...found.map((each) => each.x - each.width / 2));
  const y = Math.min(...found.map((each) => each.y - each.height / 2));
  return {
    x,
    y,
    width: Math.max(...found.map((each) => each.x + each.width / 2)) - x,
    height: Math.max(...found.map((each) => each.y + each.height / 2)) - y,
  };
}
