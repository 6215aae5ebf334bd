/** Where nodes stand: in the document's measure, and in the picture while it is edited. */
import { useMemo, useRef } from "react";
import type { BoxNodeType } from "./BoxNode";
import type { Move } from "./contract";
import { type Keys, NO_KEYS } from "./key_sets";
import type { Graph, Position } from "./model";
import { type Picture, picture } from "./picture";

/** Where nodes stand, in the document's measure, beside what is drawn. */
export class Standing {
  constructor(private readonly drawn: Picture) {}

  measured({ x, y }: Position): Position {
    return { x: Math.round(x / this.drawn.scale.x), y: Math.round(y / this.drawn.scale.y) };
  }

  told(node: BoxNodeType): Move {
    const { box } = node.data;
    const { width, height } = box;
    return { key: box.key, position: this.measured({ x: node.position.x + width / 2, y: node.position.y + height / 2 }) };
  }

  all(): Move[] {
    return this.drawn.boxes.filter((box) => box.parent === undefined).map(({ key, x, y, width, height }) => ({
      key, position: this.measured({ x: x + width / 2, y: y + height / 2 }),
    }));
  }

  tidied(graph: Graph): Move[] {
    const bare = { ...graph, nodes: graph.nodes.map(({ position: _, ...node }) => node) };
    const tidied = picture(bare, { opened: NO_KEYS });
    return tidied.boxes.map(({ key, x, y, width, height }) => ({ key, position: this.measured({ x: x + width / 2, y: y + height / 2 }) }));
  }
}

/** The picture of the graph; while it is edited, nodes stay where they are unless the document moves them. */
export function usePicture(graph: Graph, opened: Keys, unfolded: Keys, editable: boolean): { drawn: Picture; standing: Standing } {
  const before = useRef<{ written: Map<string, Position | undefined>; kept: Map<string, Position>; scale: Position }>(undefined);
  return useMemo(() => {
    const last = editable ? before.current : undefined;
    const keep = last && new Map(last.kept);
    if (last && keep) {
      for (const { key, position } of graph.nodes) {
        const old = last.written.get(key);
        const changed = position && (!last.written.has(key) || old?.x !== position.x || old.y !== position.y);
        if (changed) keep.set(key, position);
      }
    }
    const drawn = picture(graph, { opened, unfolded, keep, scale: last?.scale });
    const standing = new Standing(drawn);
    if (editable) {
      // Around what is open others have given way: what is kept is where they stand when all is closed.
      const closed = opened.size || unfolded.size ? picture(graph, { opened: NO_KEYS, keep, scale: drawn.scale }) : drawn;
      before.current = {
        written: new Map(graph.nodes.map(({ key, position }) => [key, position])),
        kept: new Map(new Standing(closed).all().map(({ key, position }) => [key, position])),
        scale: drawn.scale,
      };
    }
    return { drawn, standing };
  }, [graph, opened, unfolded, editable]);
}
