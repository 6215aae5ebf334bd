/** Positions of nodes: in the document's measure, and in the picture while it is edited. */
import { useState } from "react";
import type { BoxNodeType } from "./BoxNode";
import type { Move } from "./props";
import { type Keys, NO_KEYS } from "./key_sets";
import type { Size } from "./geometry";
import type { Graph, Position } from "./model";
import { type Picture, picture } from "./picture";

/** Between a new box and others. */
const MIN_GAP = 40;
/** Of a box that was copied elsewhere. */
const UNKNOWN: Size = { width: 216, height: 160 };

/** Where nodes stand, in the document's measure, beside what is drawn. */
export class NodePositions {
  constructor(private readonly drawn: Picture) {}

  toDocument({ x, y }: Position): Position {
    return { x: Math.round(x / this.drawn.scale.x), y: Math.round(y / this.drawn.scale.y) };
  }

  moveOf(node: BoxNodeType): Move {
    const { box } = node.data;
    const { width, height } = box;
    return {
      key: box.key,
      position: this.toDocument({ x: node.position.x + width / 2, y: node.position.y + height / 2 }),
    };
  }

  all(): Move[] {
    return this.drawn.boxes
      .filter((box) => box.parent === undefined)
      .map(({ key, x, y, width, height }) => ({
        key,
        position: this.toDocument({ x: x + width / 2, y: y + height / 2 }),
      }));
  }

  free(size: Size, wanted: Position): Position {
    const { scale, boxes } = this.drawn;
    const place = { x: wanted.x * scale.x, y: wanted.y * scale.y };
    const outer = boxes.filter((box) => box.parent === undefined);
    const inTheWay = () => outer.filter((box) => isNear(box, place, size));
    // Each turn goes further down, so it ends below the lowest box.
    for (let found = inTheWay(); found.length; found = inTheWay()) {
      place.y = Math.max(...found.map((box) => box.y + box.height)) + MIN_GAP + size.height / 2;
    }
    return { x: Math.round(place.x / scale.x), y: Math.ceil(place.y / scale.y) };
  }

  /** How far copies of boxes have to be moved, from a first shift downwards, for none to lie on a box that stands. */
  freeShift(copies: readonly Move[], { x, y }: Position): Position {
    const { scale, boxes } = this.drawn;
    const outer = boxes.filter((box) => box.parent === undefined);
    const sizes = new Map(outer.map(({ key, width, height }) => [key, { width, height }]));
    const group = copies.map(({ key, position }) => ({ position, size: sizes.get(key) ?? UNKNOWN }));
    const shift = { x, y };
    const hits = () =>
      group.some(({ position, size }) =>
        outer.some((box) =>
          isNear(box, { x: (position.x + shift.x) * scale.x, y: (position.y + shift.y) * scale.y }, size),
        ),
      );
    while (hits()) shift.y += MIN_GAP;
    return shift;
  }

  /** In a measure of its own: what is tidy here is so in the document, too. */
  tidied(graph: Graph): Move[] {
    const bare = { ...graph, nodes: graph.nodes.map(({ position: _, ...node }) => node) };
    const tidied = picture(bare, { opened: NO_KEYS });
    return tidied.boxes.map(({ key, x, y, width, height }) => ({
      key,
      position: { x: Math.round(x + width / 2), y: Math.round(y + height / 2) },
    }));
  }
}

/** The state of an edited drawing, so that nodes stay where they are. */
interface Memory {
  /** Where the document had the nodes. */
  written: ReadonlyMap<string, Position | undefined>;
  /** Where the nodes stand when all is closed. */
  kept: ReadonlyMap<string, Position>;
  scale: Position;
}

interface PictureState {
  of: { graph: Graph; opened: Keys; unfolded: Keys; editable: boolean };
  drawn: Picture;
  standing: NodePositions;
  memory: Memory | undefined;
}

/** The picture of the graph; while it is edited, nodes stay where they are unless the document moves them. */
export function usePicture(
  graph: Graph,
  opened: Keys,
  unfolded: Keys,
  editable: boolean,
): { drawn: Picture; standing: NodePositions } {
  const [last, setLast] = useState(() => nextPicture({ graph, opened, unfolded, editable }, undefined));
  const { of } = last;
  if (of.graph === graph && of.opened === opened && of.unfolded === unfolded && of.editable === editable) return last;
  // While rendering: an effect would show one frame of the old picture first.
  const next = nextPicture({ graph, opened, unfolded, editable }, last.memory);
  setLast(next);
  return next;
}

function nextPicture(of: PictureState["of"], memory: Memory | undefined): PictureState {
  const { graph, opened, unfolded, editable } = of;
  const last = editable ? memory : undefined;
  let keep = last && new Map(last.kept);
  // Where the document has moved everything, as Tidy does, nothing is left that the old measure would hold.
  const moved =
    graph.nodes.length > 1 &&
    last &&
    graph.nodes.every(({ key, position }) => position && isMoved(position, last.written.get(key)));
  if (moved) keep = undefined;
  if (last && keep) {
    for (const { key, position } of graph.nodes) {
      const old = last.written.get(key);
      const changed = position && (!last.written.has(key) || isMoved(position, old));
      if (changed) keep.set(key, position);
    }
  }
  const drawn = picture(graph, { opened, unfolded, keep, scale: moved ? undefined : last?.scale });
  const standing = new NodePositions(drawn);
  if (!editable) return { of, drawn, standing, memory };
  // Around what is open others have given way: what is kept is where they stand when all is closed.
  const closed = opened.size || unfolded.size ? picture(graph, { opened: NO_KEYS, keep, scale: drawn.scale }) : drawn;
  return {
    of,
    drawn,
    standing,
    memory: {
      written: new Map(graph.nodes.map(({ key, position }) => [key, position])),
      kept: new Map(new NodePositions(closed).all().map(({ key, position }) => [key, position])),
      scale: drawn.scale,
    },
  };
}

/** Whether a box of this size, with its middle at a place, would lie on another, or too near to it. */
function isNear(box: Size & Position, place: Position, size: Size): boolean {
  return (
    Math.abs(box.x + box.width / 2 - place.x) < (box.width + size.width) / 2 + MIN_GAP &&
    Math.abs(box.y + box.height / 2 - place.y) < (box.height + size.height) / 2 + MIN_GAP
  );
}

function isMoved(now: Position, before: Position | undefined): boolean {
  return before?.x !== now.x || before.y !== now.y;
}
