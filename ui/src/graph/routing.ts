/** The way of a wire around the boxes that lie between its ends: it bends into a lane above or below them. */
import { type Size, curve, reachOf } from "./geometry";
import type { Position } from "./model";

export type Obstacle = Position & Size;

interface Lane {
  left: number;
  right: number;
  y: number;
}

/** Between a wire and a box that it goes around. */
const CLEAR = 10;
/** A wire bends before and after the boxes. */
const BEND = 16;
const SAMPLES = 24;
const TURNS = 4;

/** The line of a wire. Backwards, and where there is no room to bend, it is the plain curve. */
export function route(from: Position, to: Position, obstacles: readonly Obstacle[]): string {
  const plain = curve(from, to);
  const between = obstacles.filter((box) => box.x < to.x && box.x + box.width > from.x);
  if (to.x - from.x < 4 * BEND || !between.length) return plain;
  let lanes: Lane[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const hit = between.filter((box) => isHit(points(from, lanes, to), box));
    if (!hit.length) return lanes.length ? line(from, lanes, to) : plain;
    lanes = merged(
      [...lanes, ...hit.map((box) => ({ left: box.x - BEND, right: box.x + box.width + BEND, y: 0 }))],
      from,
      to,
    ).map((lane) => ({ ...lane, y: freeHeight(lane, from, to, between) }));
  }
  return line(from, lanes, to);
}

/** Lanes from left to right, those that overlap as one. */
function merged(lanes: readonly Lane[], from: Position, to: Position): Lane[] {
  const found: Lane[] = [];
  for (const lane of [...lanes].sort((one, other) => one.left - other.left)) {
    const left = Math.max(lane.left, from.x + BEND);
    const right = Math.min(lane.right, to.x - BEND);
    const last = found.at(-1);
    if (last && left <= last.right) last.right = Math.max(last.right, right);
    else if (right > left) found.push({ left, right, y: 0 });
  }
  return found;
}

/** The height nearest to the straight line at which nothing stands in the way along the whole lane. */
function freeHeight({ left, right }: Lane, from: Position, to: Position, boxes: readonly Obstacle[]): number {
  const wanted = from.y + ((to.y - from.y) * ((left + right) / 2 - from.x)) / (to.x - from.x);
  const taken = boxes
    .filter((box) => box.x < right && box.x + box.width > left)
    .map((box) => ({ top: box.y - CLEAR, bottom: box.y + box.height + CLEAR }));
  const heights = [wanted, ...taken.flatMap(({ top, bottom }) => [top, bottom])].filter((y) =>
    taken.every(({ top, bottom }) => y <= top || y >= bottom),
  );
  return heights.reduce((best, y) => (Math.abs(y - wanted) < Math.abs(best - wanted) ? y : best));
}

function corners(from: Position, lanes: readonly Lane[], to: Position): [Position, Position][] {
  const stops = [
    from,
    ...lanes.flatMap(({ left, right, y }) => [
      { x: left, y },
      { x: right, y },
    ]),
    to,
  ];
  return stops.slice(1).map((stop, index) => [stops[index]!, stop]);
}

function line(from: Position, lanes: readonly Lane[], to: Position): string {
  const parts = corners(from, lanes, to).map(([a, b]) => {
    const reach = (b.x - a.x) / 2;
    return a.y === b.y
      ? `L${round(b.x)},${round(b.y)}`
      : `C${round(a.x + reach)},${round(a.y)} ${round(b.x - reach)},${round(b.y)} ${round(b.x)},${round(b.y)}`;
  });
  return `M${round(from.x)},${round(from.y)}${parts.join("")}`;
}

/** Places along the line; each of its parts goes level out of one corner and level into the next. */
function points(from: Position, lanes: readonly Lane[], to: Position): Position[] {
  return corners(from, lanes, to).flatMap(([a, b]) => {
    const reach = lanes.length ? (b.x - a.x) / 2 : reachOf(a, b);
    return Array.from({ length: SAMPLES + 1 }, (_, index) => {
      const t = index / SAMPLES;
      const x = a.x + 3 * t * (1 - t) ** 2 * reach + 3 * t ** 2 * (1 - t) * (b.x - a.x - reach) + t ** 3 * (b.x - a.x);
      return { x, y: a.y + (b.y - a.y) * (3 * t ** 2 - 2 * t ** 3) };
    });
  });
}

function isHit(along: readonly Position[], box: Obstacle): boolean {
  return along.some(
    ({ x, y }) => x > box.x && x < box.x + box.width && y > box.y - CLEAR / 2 && y < box.y + box.height + CLEAR / 2,
  );
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
