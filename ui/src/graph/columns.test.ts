import { describe, expect, it } from "vitest";
import type { Link, Sized } from "./arrange";
import { columnLayout } from "./columns";

const box = (key: string): Sized => {
  const size = { width: 200, height: 80 };
  return { key, kind: "step", size, closed: size };
};

function chain(length: number): { nodes: Sized[]; links: Link[] } {
  const keys = Array.from({ length }, (_, index) => `s${index}`);
  return {
    nodes: keys.map(box),
    links: keys.slice(1).map((key, index) => ({ from: keys[index]!, to: key })),
  };
}

/** The column of each box, counted from the left. */
function columnNumbers(nodes: Sized[], links: Link[]): Record<string, number> {
  const places = columnLayout(nodes, links);
  const lefts = [...new Set([...places.values()].map(({ x }) => x))].sort((one, other) => one - other);
  return Object.fromEntries([...places].map(([key, { x }]) => [key, lefts.indexOf(x)]));
}

describe("columns", () => {
  it.each([5_000, 20_000])(
    "puts %i steps in a row into as many columns at one height",
    (length) => {
      const { nodes, links } = chain(length);
      for (const order of [nodes, nodes.toReversed()]) {
        const places = columnLayout(order, links);
        expect(places.size).toBe(length);
        nodes.forEach(({ key }, index) => {
          const place = places.get(key)!;
          if (place.x !== 100 + index * 292 || place.y !== 40) expect.fail(`${key} is at ${place.x}, ${place.y}`);
        });
      }
    },
    60_000,
  );

  it("puts a box right of all that it depends on", () => {
    const links = [
      { from: "a", to: "b" },
      { from: "b", to: "d" },
      { from: "a", to: "c" },
      { from: "c", to: "d" },
      { from: "a", to: "d" },
    ];
    expect(columnNumbers(["d", "c", "b", "a"].map(box), links)).toEqual({ a: 0, b: 1, c: 1, d: 2 });
  });

  it("puts what depends on nothing just before the first box that needs it", () => {
    const links = [
      { from: "a", to: "b" },
      { from: "b", to: "c" },
      { from: "late", to: "c" },
    ];
    expect(columnNumbers(["a", "b", "c", "late"].map(box), links)).toEqual({ a: 0, b: 1, c: 2, late: 1 });
  });

  it("cuts a cycle where it closes", () => {
    const links = [
      { from: "a", to: "b" },
      { from: "b", to: "c" },
      { from: "c", to: "a" },
      { from: "c", to: "end" },
      { from: "a", to: "a" },
    ];
    expect(columnNumbers(["a", "b", "c", "end"].map(box), links)).toEqual({ a: 0, b: 1, c: 2, end: 3 });
  });

  it("has one column of boxes below each other where nothing is connected", () => {
    const places = columnLayout(["a", "b"].map(box), []);
    expect([...places.values()]).toEqual([
      { x: 100, y: 40 },
      { x: 100, y: 160 },
    ]);
  });
});
