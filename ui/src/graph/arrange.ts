/** Positions of the nodes of one level: those of the document, and how others give way to what is opened. Positions are of middles. */
import type { Size } from "./geometry";
import type { GraphNode, Position } from "./model";

export interface Sized {
  key: string;
  kind: GraphNode["kind"];
  size: Size;
  /** The size of the closed node. */
  closed: Size;
  position?: Position | undefined;
}

export interface Link {
  from: string;
  to: string;
  /** How far below the middles of their boxes the wire begins and ends. */
  fromY?: number;
  toY?: number;
}

const GAP = 24;
/** Boxes that lie on another in the document itself stay so. */
const MOST = 2.5;

/** The places of all nodes, as the document has them, or undefined where one has none. */
export function documentPositions(nodes: readonly Sized[]): Map<string, Position> | undefined {
  const places = new Map<string, Position>();
  for (const node of nodes) {
    if (!node.position) return undefined;
    places.set(node.key, node.position);
  }
  return places;
}

/** Composer's nodes are small: how much further apart ours must be, across and down, for none to lie on another. */
export function spreadFactor(nodes: readonly Sized[], places: ReadonlyMap<string, Position>): Position {
  const factor = { x: 1, y: 1 };
  for (let i = 0; i < nodes.length; i++) {
    for (let j = i + 1; j < nodes.length; j++) {
      const [a, b] = [nodes[i]!, nodes[j]!];
      const [p, q] = [places.get(a.key)!, places.get(b.key)!];
      const [dx, dy] = [Math.abs(p.x - q.x), Math.abs(p.y - q.y)];
      const [wide, high] = [
        (a.closed.width + b.closed.width) / 2 + GAP,
        (a.closed.height + b.closed.height) / 2 + GAP / 2,
      ];
      if (dx * factor.x >= wide || dy * factor.y >= high) continue;
      const [across, down] = [dx ? wide / dx : Infinity, dy ? high / dy : Infinity];
      if (across <= down) factor.x = Math.max(factor.x, Math.min(across, MOST));
      else factor.y = Math.max(factor.y, Math.min(down, MOST));
    }
  }
  return factor;
}

/** Makes room for an opened node: nodes to the right of it or below are moved. */
export function makeRoom(nodes: readonly Sized[], places: ReadonlyMap<string, Position>): Map<string, Position> {
  const moved = new Map(places);
  for (const opened of nodes) {
    const right = opened.size.width - opened.closed.width;
    const down = opened.size.height - opened.closed.height;
    if (right <= 0 && down <= 0) continue;
    const middle = places.get(opened.key)!;
    const own = moved.get(opened.key)!;
    moved.set(opened.key, { x: own.x + right / 2, y: own.y + down / 2 });
    const edge = middle.x + opened.closed.width / 2;
    for (const other of nodes) {
      if (other === opened) continue;
      const place = places.get(other.key)!;
      const now = moved.get(other.key)!;
      if (place.x - other.closed.width / 2 >= edge) moved.set(other.key, { x: now.x + right, y: now.y });
      else if (place.y > middle.y && place.x + other.closed.width / 2 > middle.x - opened.closed.width / 2) {
        moved.set(other.key, { x: now.x, y: now.y + down });
      }
    }
  }
  return moved;
}
