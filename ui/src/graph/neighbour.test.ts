import { expect, test } from "vitest";
import type { GraphNode } from "./model";
import { neighbour } from "./neighbour";
import { picture } from "./picture";
import { inPlane } from "./Wires";

const at = (id: string, x: number, y: number): GraphNode => ({
  key: `step:${id}`,
  kind: "step",
  id,
  label: id,
  inputs: [],
  outputs: [],
  position: { x, y },
});
const drawn = picture(
  { nodes: [at("a", 0, 0), at("b", 400, 10), at("c", 400, 300), at("d", 800, 0)], edges: [] },
  { opened: new Set() },
);
const places = inPlane(drawn.boxes);
const go = (from: string | undefined, way: "left" | "right" | "up" | "down") =>
  neighbour(drawn, places, from && `step:${from}`, way);

test("arrows lead to the nearest box in their direction", () => {
  expect(go("a", "right")).toBe("step:b");
  expect(go("b", "right")).toBe("step:d");
  expect(go("b", "down")).toBe("step:c");
  expect(go("c", "up")).toBe("step:b");
  expect(go("d", "right")).toBeUndefined();
});

test("from nowhere they lead to the first", () => {
  expect(go(undefined, "right")).toBe("step:a");
});
