/** The boxes of a picture as React Flow's nodes. */
import { Position as Side } from "@xyflow/react";
import type { BoxNodeType } from "./BoxNode";
import type { Keys } from "./key_sets";
import type { Box, Picture } from "./picture";

/** React Flow's nodes; those that are as before stay the same objects, and are not drawn again. */
export function toNodes(
  drawn: Picture,
  before: readonly BoxNodeType[],
  selection: Keys,
  editable: boolean,
): BoxNodeType[] {
  const old = new Map(before.map((node) => [node.id, node]));
  return drawn.boxes.map((box) => {
    const last = old.get(box.key);
    const selected = selection.has(box.key);
    const alike = last && sameBox(last.data.box, box);
    if (alike && last.position.x === box.x && last.position.y === box.y && last.selected === selected) return last;
    const { key, x, y, width, height, depth } = box;
    return {
      id: key,
      type: "box",
      position: { x, y },
      width,
      height,
      measured: { width, height },
      selected,
      data: alike ? last.data : { box },
      draggable: editable && depth === 0,
      connectable: editable && depth === 0,
      zIndex: depth * 2 + (box.open ? 0 : 1),
      ...(box.parent === undefined ? {} : { parentId: box.parent }),
      handles:
        editable && depth === 0
          ? box.joints
              .filter((joint) => !joint.inner)
              .map((joint) => ({
                id: joint.port,
                type: joint.side === "left" ? ("target" as const) : ("source" as const),
                position: joint.side === "left" ? Side.Left : Side.Right,
                x: joint.x - 6,
                y: joint.y - 6,
                width: 12,
                height: 12,
              }))
          : [],
    };
  });
}

function sameBox(one: Box, other: Box): boolean {
  return (
    one.width === other.width &&
    one.height === other.height &&
    one.open === other.open &&
    one.parent === other.parent &&
    (one.node === other.node || JSON.stringify(bare(one.node)) === JSON.stringify(bare(other.node))) &&
    one.inputs.length === other.inputs.length &&
    one.outputs.length === other.outputs.length &&
    one.quiet.length === other.quiet.length
  );
}

function bare(node: Box["node"]) {
  return { ...node, position: undefined, inside: node.inside !== undefined };
}

/** The same nodes, others of them selected. */
export function select(nodes: readonly BoxNodeType[], selection: Keys): BoxNodeType[] {
  return nodes.map((node) =>
    node.selected === selection.has(node.id) ? node : { ...node, selected: selection.has(node.id) },
  );
}
