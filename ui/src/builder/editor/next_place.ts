/** The position of a new node. */
import type { Face } from "../../document/process";
import type { GraphHandle } from "../../graph";
import { END_HEIGHT, END_WIDTH, STEP_WIDTH, type Size, closedSize } from "../../graph/geometry";
import type { Position } from "../../graph/model";
import type { Session } from "../session";

const END: Size = { width: END_WIDTH, height: END_HEIGHT };
/** The distance between the middles of two columns. */
const BESIDE = STEP_WIDTH + 92;

/** Beside the node that is selected, or in the middle of what is seen; inputs left of all, outputs right. On no other box. */
export function nextPlace(
  handle: GraphHandle | null,
  session: Session,
  kind: "input" | "output" | "step",
  size: Size = END,
): Position | undefined {
  if (!handle) return undefined;
  const standing = handle.standing();
  if (!standing.length) return { x: 0, y: 0 };
  const selected = standing.find((one) => session.state.selection.has(one.key));
  const y = (selected ?? standing[0]!).position.y;
  if (kind === "step") return handle.free(size, selected ? { x: selected.position.x + BESIDE, y } : handle.middle());
  const others = standing.filter((one) => !one.key.startsWith(`${kind}:`)).map((one) => one.position.x);
  const x = !others.length
    ? standing[0]!.position.x
    : kind === "input"
      ? Math.min(...others) - BESIDE
      : Math.max(...others) + BESIDE;
  return handle.free(size, { x, y });
}

/** The size of a new step's box, without connections. */
export function sizeOfStep({ inputs, outputs }: Pick<Face, "inputs" | "outputs">): Size {
  const ports = (all: Face["inputs"]) => all.map(({ id, required }) => ({ id, type: "", quiet: !required }));
  return closedSize({ key: "", kind: "step", id: "", label: "", inputs: ports(inputs), outputs: ports(outputs) });
}
