import { expect, test } from "vitest";
import { curve } from "./geometry";
import { type Obstacle, route } from "./routing";

const FROM = { x: 0, y: 100 };
const TO = { x: 800, y: 100 };

/** Every corner of the line, without the handles of its curves. */
function corners(line: string): { x: number; y: number }[] {
  return [...line.matchAll(/(?:^M|L|\s)(-?[\d.]+),(-?[\d.]+)(?=[CL]|$)/g)].map((found) => ({
    x: Number(found[1]),
    y: Number(found[2]),
  }));
}

test("a wire with nothing in its way is the plain curve", () => {
  const aside: Obstacle = { x: 300, y: 200, width: 200, height: 100 };
  expect(route(FROM, TO, [aside])).toBe(curve(FROM, TO));
});

test("a wire goes around a box by the shorter way, and back", () => {
  const box: Obstacle = { x: 300, y: 40, width: 200, height: 80 };
  const found = corners(route(FROM, TO, [box]));
  expect(found.at(0)).toEqual(FROM);
  expect(found.at(-1)).toEqual(TO);
  const lane = found.filter(({ x }) => x > 280 && x < 520);
  expect(lane).toHaveLength(2);
  for (const { y } of lane) expect(y).toBe(130);
});

test("a wire takes the gap between two boxes of a column, and never one that is too narrow", () => {
  const column: Obstacle[] = [
    { x: 300, y: 0, width: 200, height: 110 },
    { x: 300, y: 125, width: 200, height: 75 },
    { x: 300, y: 240, width: 200, height: 300 },
  ];
  const lane = corners(route(FROM, TO, column)).filter(({ x }) => x > 280 && x < 520);
  for (const { y } of lane) expect(y === -10 || (y >= 210 && y <= 230)).toBe(true);
});

test("a wire that goes backwards is left as it is", () => {
  const box: Obstacle = { x: 300, y: 40, width: 200, height: 80 };
  expect(route(TO, FROM, [box])).toBe(curve(TO, FROM));
});
