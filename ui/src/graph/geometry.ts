/** The size of a node and the positions of its ports, computed without measuring on the page. */
import { type Ports, inputRows, portsOf } from "./folding";
import type { GraphNode, Position } from "./model";

export const STEP_WIDTH = 216;
export const END_WIDTH = 168;
export const END_HEIGHT = 46;
export const HEADER = 50;
export const ROW = 20;
/** The line of a scatter or a condition. */
export const LINE = 24;
export const MARGIN = 8;
/** The column of a port's name in an opened sub-workflow. */
export const SIDE = 136;
export const INSET = 28;

export interface Size {
  width: number;
  height: number;
}

/** The end of a wire on one side of a box. */
export interface Joint extends Position {
  port: string;
  side: "left" | "right";
  /** Joints of an opened sub-workflow that face its inside. */
  inner?: boolean;
}

export function lines(node: GraphNode): number {
  return (node.scatter?.length ? 1 : 0) + (node.when ? 1 : 0);
}

export function portsTop(node: GraphNode): number {
  return HEADER + lines(node) * LINE + MARGIN;
}

/** The size of a node that is not open; folded, unless other ports are given. */
export function closedSize(node: GraphNode, ports = portsOf(node, false)): Size {
  if (node.kind !== "step") return { width: END_WIDTH, height: END_HEIGHT };
  const rows = inputRows(ports) + ports.outputs.length;
  return { width: STEP_WIDTH, height: portsTop(node) + rows * ROW + (rows ? MARGIN : 0) };
}

/** The size of an opened sub-workflow around what is inside. */
export function openSize(node: GraphNode, inside: Size, ports: Ports): Size {
  const rows = Math.max(ports.inputs.length, ports.outputs.length) * ROW;
  return {
    width: inside.width + 2 * (SIDE + INSET),
    height: portsTop(node) + Math.max(rows + MARGIN, inside.height + INSET),
  };
}

export function joints(node: GraphNode, size: Size, open: boolean, ports: Ports): Joint[] {
  if (node.kind === "input") {
    return node.outputs.map((port) => ({ port: port.id, side: "right", x: size.width, y: size.height / 2 }));
  }
  if (node.kind === "output") {
    return node.inputs.map((port) => ({ port: port.id, side: "left", x: 0, y: size.height / 2 }));
  }
  const top = portsTop(node) + ROW / 2;
  const found: Joint[] = [];
  ports.inputs.forEach((port, index) => {
    const y = top + index * ROW;
    found.push({ port: port.id, side: "left", x: 0, y });
    if (open) found.push({ port: port.id, side: "left", x: SIDE, y, inner: true });
  });
  ports.outputs.forEach((port, index) => {
    const y = top + (index + (open ? 0 : inputRows(ports))) * ROW;
    found.push({ port: port.id, side: "right", x: size.width, y });
    if (open) found.push({ port: port.id, side: "right", x: size.width - SIDE, y, inner: true });
  });
  return found;
}

/** The curve of a wire. */
export function curve(from: Position, to: Position): string {
  const reach = reachOf(from, to);
  return `M${round(from.x)},${round(from.y)}C${round(from.x + reach)},${round(from.y)} ${round(to.x - reach)},${round(to.y)} ${round(to.x)},${round(to.y)}`;
}

/** How far a wire goes level out of a port. */
export function reachOf(from: Position, to: Position): number {
  return Math.max(28, Math.min(160, Math.abs(to.x - from.x) / 2), to.x < from.x ? Math.min(240, from.x - to.x) : 0);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
