/** Where a new node is put. */
import type { GraphHandle } from "../../graph";
import type { Position } from "../../graph/model";
import type { Session } from "../session";

const BESIDE = 300;

/** Beside the node that is selected, or in the middle of what is seen; inputs left of all, outputs right. */
export function nextPlace(handle: GraphHandle | null, session: Session, kind: "input" | "output" | "step" = "step"): Position | undefined {
  if (!handle) return undefined;
  const standing = handle.standing();
  const selected = standing.find((one) => session.state.selection.has(one.key));
  const [xs, y] = [standing.map((one) => one.position.x), (selected ?? standing[0])?.position.y ?? 0];
  const wanted = !standing.length ? { x: 0, y: 0 }
    : kind === "input" ? { x: Math.min(...xs.filter((_, index) => !standing[index]!.key.startsWith("input:")), Infinity) - BESIDE, y }
      : kind === "output" ? { x: Math.max(...xs.filter((_, index) => !standing[index]!.key.startsWith("output:")), -Infinity) + BESIDE, y }
        : selected ? { x: selected.position.x + BESIDE, y } : handle.middle();
  if (!Number.isFinite(wanted.x)) wanted.x = xs[0]!;
  while (standing.some(({ position }) => Math.abs(position.x - wanted.x) < 120 && Math.abs(position.y - wanted.y) < 90)) wanted.y += 110;
  return { x: Math.round(wanted.x), y: Math.round(wanted.y) };
}
