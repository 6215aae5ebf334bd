/** Positions of nodes in the document. */
import type { Position } from "../../graph/model";
import { positionOf } from "../graph";
import type { Change, Fields } from "../value";
import type { Workflow } from "../workflow";
import { itemOfKey, setFields } from "./fields";
import { namespace } from "./namespaces";

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

export function place(position: Position | undefined): Fields {
  return position ? { "sbg:x": Math.round(position.x), "sbg:y": Math.round(position.y) } : {};
}
