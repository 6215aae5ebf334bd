/** The box that an arrow key moves the focus to. */
import type { Position } from "./model";
import type { Picture } from "./picture";

export type Direction = "left" | "right" | "up" | "down";

const AHEAD: Record<Direction, Position> = {
  left: { x: -1, y: 0 },
  right: { x: 1, y: 0 },
  up: { x: 0, y: -1 },
  down: { x: 0, y: 1 },
};

/** The nearest box in a direction; one that is off to the side counts as further away. */
export function neighbour(
  picture: Picture,
  places: ReadonlyMap<string, Position>,
  from: string | undefined,
  direction: Direction,
): string | undefined {
  const start = picture.boxes.find((box) => box.key === from);
  if (!start) return picture.boxes[0]?.key;
  const ahead = AHEAD[direction];
  const origin = middle(start, places);
  let [best, least]: [string | undefined, number] = [undefined, Infinity];
  for (const box of picture.boxes) {
    if (box === start) continue;
    const { x, y } = middle(box, places);
    const along = (x - origin.x) * ahead.x + (y - origin.y) * ahead.y;
    if (along <= 1) continue;
    const aside = Math.abs((x - origin.x) * ahead.y) + Math.abs((y - origin.y) * ahead.x);
    const distance = along + aside * 2.5;
    if (distance < least) [best, least] = [box.key, distance];
  }
  return best;
}

function middle(box: Picture["boxes"][number], places: ReadonlyMap<string, Position>): Position {
  const { x, y } = places.get(box.key)!;
  // An opened box is met at its head.
  return { x: x + (box.open ? 100 : box.width / 2), y: y + (box.open ? 20 : box.height / 2) };
}
