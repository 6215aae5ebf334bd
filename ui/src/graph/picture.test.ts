import { expect, test } from "vitest";
import { svg } from "./export";
import type { Graph, GraphNode } from "./model";
import { picture } from "./picture";
import { NodePositions } from "./node_positions";
import { inPlane, path, paths } from "./Wires";

const NONE = new Set<string>();

function step(key: string, more: Partial<GraphNode> = {}): GraphNode {
  const id = key.slice(key.lastIndexOf(":") + 1);
  return {
    key,
    kind: "step",
    id,
    label: id,
    inputs: [{ id: "x", type: "File" }],
    outputs: [{ id: "y", type: "File" }],
    ...more,
  };
}

function wire(from: string, to: string) {
  return { key: `${from}>${to}`, from: { node: from, port: "y" }, to: { node: to, port: "x" } };
}

function chain(names: string[], more: Record<string, Partial<GraphNode>> = {}): Graph {
  return {
    nodes: names.map((name) => step(`step:${name}`, more[name])),
    edges: names.slice(1).map((name, index) => wire(`step:${names[index]}`, `step:${name}`)),
  };
}

const inside: Graph = {
  nodes: [
    { key: "b/input:x", kind: "input", id: "x", label: "x", inputs: [], outputs: [{ id: "x", type: "File" }] },
    {
      key: "b/input:seed",
      kind: "input",
      id: "seed",
      label: "seed",
      inputs: [],
      outputs: [{ id: "seed", type: "int" }],
    },
    step("b/step:deep"),
    { key: "b/output:y", kind: "output", id: "y", label: "y", inputs: [{ id: "y", type: "File" }], outputs: [] },
  ],
  edges: [
    { key: "1", from: { node: "b/input:x", port: "x" }, to: { node: "b/step:deep", port: "x" } },
    { key: "2", from: { node: "b/step:deep", port: "y" }, to: { node: "b/output:y", port: "y" } },
  ],
};

test("steps stand right of what they wait for", () => {
  const { boxes, wires } = picture(chain(["c", "a", "b"]), { opened: NONE });
  const x = Object.fromEntries(boxes.map((box) => [box.node.id, box.x]));
  expect(x.c! < x.a! && x.a! < x.b!).toBe(true);
  expect(wires).toHaveLength(2);
});

test("no box lies on another", () => {
  const graph: Graph = { nodes: [], edges: [] };
  for (let i = 0; i < 60; i++) {
    graph.nodes.push(step(`step:s${i}`));
    if (i > 5) graph.edges.push(wire(`step:s${(i * 7) % (i - 4)}`, `step:s${i}`));
  }
  const { boxes } = picture(graph, { opened: NONE });
  for (const a of boxes) {
    for (const b of boxes) {
      const apart =
        a === b || a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
      expect(apart, `${a.key} and ${b.key}`).toBe(true);
    }
  }
});

test("steps that wait for each other are drawn all the same", () => {
  const graph = chain(["a", "b"]);
  graph.edges.push(wire("step:b", "step:a"));
  expect(picture(graph, { opened: NONE }).wires).toHaveLength(2);
});

test("written places are kept, and boxes that would lie on each other are drawn further apart", () => {
  const places = {
    a: { position: { x: 0, y: 0 } },
    b: { position: { x: 150, y: 0 } },
    c: { position: { x: 600, y: 80 } },
  };
  const { boxes, scale } = picture(chain(["a", "b", "c"], places), { opened: NONE });
  const [a, b, c] = boxes.map((box) => ({ x: box.x + box.width / 2, y: box.y + box.height / 2 }));
  expect(scale.x).toBeGreaterThan(1);
  expect(scale.y).toBe(1);
  expect(Math.abs(b!.x - a!.x - 150 * scale.x)).toBeLessThan(1.5);
  expect(Math.abs(c!.y - a!.y - 80)).toBeLessThan(1.5);
});

test("where one place is missing, none counts", () => {
  const { boxes } = picture(chain(["a", "b"], { a: { position: { x: 5000, y: 5000 } } }), { opened: NONE });
  expect(boxes.every((box) => box.x < 1000)).toBe(true);
});

test("what stands somewhere stays there while the document is edited", () => {
  const keep = new Map([
    ["step:a", { x: 10, y: 20 }],
    ["step:b", { x: 700, y: 300 }],
  ]);
  const { boxes } = picture(chain(["a", "b", "c"]), { opened: NONE, keep });
  expect(boxes.slice(0, 2).map((box) => [box.x + box.width / 2, box.y + box.height / 2])).toEqual([
    [10, 20],
    [700, 300],
  ]);
});

test("a sub-workflow opens in place: its steps are inside, its inputs and outputs are the ports of its frame", () => {
  const graph = chain(["a", "b", "c"], { b: { inside } });
  const closed = picture(graph, { opened: NONE });
  const open = picture(graph, { opened: new Set(["step:b"]) });
  expect(closed.boxes.map((box) => box.key)).toEqual(["step:a", "step:b", "step:c"]);
  expect(open.boxes.map((box) => box.key)).toEqual(["step:a", "step:b", "step:c", "b/step:deep"]);
  const frame = open.boxes[1]!;
  const deep = open.boxes[3]!;
  expect(deep.parent).toBe("step:b");
  expect(deep.x > 0 && deep.x + deep.width < frame.width && deep.y + deep.height <= frame.height).toBe(true);
  expect(frame.inputs.map((port) => port.id)).toEqual(["x", "seed"]);
  const places = inPlane(open.boxes);
  const boxes = new Map(open.boxes.map((box) => [box.key, box]));
  expect(open.wires).toHaveLength(4);
  expect(open.wires.every((each) => path(each, boxes, places))).toBe(true);
});

test("an opened sub-workflow moves what has a written place out of its way", () => {
  const graph = chain(["a", "b", "c"], {
    a: { position: { x: 0, y: 0 } },
    b: { position: { x: 400, y: 0 }, inside },
    c: { position: { x: 800, y: 0 } },
  });
  const { boxes } = picture(graph, { opened: new Set(["step:b"]) });
  expect(boxes[2]!.x).toBeGreaterThan(boxes[1]!.x + boxes[1]!.width);
  expect(boxes[0]!.x + boxes[0]!.width / 2).toBe(0);
});

test("the exported drawing holds names as text only", () => {
  const hostile = '<script>alert("x")</script>';
  const graph = chain(["a", "b"], { a: { label: hostile, doc: hostile, when: "$(inputs.a < 1)" } });
  const drawn = picture(graph, { opened: NONE });
  const text = svg(
    { picture: drawn, places: inPlane(drawn.boxes), states: { "step:b": { state: "failed", counts: {}, retries: 0 } } },
    () => "#000",
  );
  expect(text).not.toContain("<script");
  expect(text).toContain("&lt;script&gt;");
  expect(text).toContain("Failed");
});

test("inputs that are left alone take one line, unless there are few or somebody looks", () => {
  const ports = (quiet: number) => [
    { id: "x", type: "File" },
    ...Array.from({ length: quiet }, (_, index) => ({ id: `more_${index}`, type: "int", quiet: true })),
  ];
  const box = (quiet: number, unfolded = NONE) =>
    picture({ nodes: [step("step:a", { inputs: ports(quiet) })], edges: [] }, { opened: NONE, unfolded }).boxes[0]!;
  const [few, many, seen] = [box(2), box(9), box(9, new Set(["step:a"]))];
  expect(few.inputs.map((port) => port.id)).toEqual(["x", "more_0", "more_1"]);
  expect(many.inputs.map((port) => port.id)).toEqual(["x"]);
  expect(many.quiet).toHaveLength(9);
  expect(seen.inputs).toHaveLength(10);
  expect(few.height - many.height).toBe(20);
  expect(seen.height - many.height).toBe(9 * 20);
  // The outputs are below.
  expect(many.joints.find((joint) => joint.port === "y")!.y - many.joints.find((joint) => joint.port === "x")!.y).toBe(
    40,
  );
});

test("a tidy picture keeps 40 px between boxes, whatever the document's measure was", () => {
  const nodes = ["a", "b", "c", "d", "e"].map((name, index) =>
    step(`step:${name}`, { position: { x: index * 60, y: index * 7 } }),
  );
  const graph: Graph = {
    nodes,
    edges: [wire("step:a", "step:c"), wire("step:b", "step:c"), wire("step:c", "step:d"), wire("step:c", "step:e")],
  };
  const drawn = picture(graph, { opened: NONE });
  expect(drawn.scale).not.toEqual({ x: 1, y: 1 });
  const moves = new Map(new NodePositions(drawn).tidied(graph).map(({ key, position }) => [key, position]));
  const tidy = picture(
    { ...graph, nodes: nodes.map((node) => ({ ...node, position: moves.get(node.key)! })) },
    { opened: NONE },
  );
  expect(tidy.scale).toEqual({ x: 1, y: 1 });
  for (const one of tidy.boxes) {
    for (const other of tidy.boxes) {
      if (one !== other)
        expect(
          Math.max(apart(one.x, one.width, other.x, other.width), apart(one.y, one.height, other.y, other.height)),
        ).toBeGreaterThanOrEqual(40);
    }
  }
});

test("a new box is put below what is in its way", () => {
  const drawn = picture(
    {
      nodes: [step("step:a", { position: { x: 0, y: 0 } }), step("step:b", { position: { x: 0, y: 150 } })],
      edges: [],
    },
    { opened: NONE },
  );
  const place = new NodePositions(drawn).free({ width: 216, height: 200 }, { x: 10, y: 5 });
  const lowest = Math.max(...drawn.boxes.map((box) => box.y + box.height));
  expect(place).toEqual({ x: 10, y: lowest + 40 + 100 });
  expect(new NodePositions(drawn).free({ width: 216, height: 90 }, { x: 400, y: 5 })).toEqual({ x: 400, y: 5 });
});

test("wires go around the boxes between their ends", () => {
  const nodes = ["a", "b", "c"].map((name, index) => step(`step:${name}`, { position: { x: index * 400, y: 0 } }));
  const drawn = picture({ nodes, edges: [wire("step:a", "step:c")] }, { opened: NONE });
  const [line] = paths(drawn, inPlane(drawn.boxes)).values();
  const { y, height } = drawn.boxes[1]!;
  const corners = [...line!.matchAll(/(?:^M|L|\s)(-?[\d.]+),(-?[\d.]+)(?=[CL]|$)/g)].map((found) => Number(found[2]));
  expect(corners.filter((at) => at <= y - 10 || at >= y + height + 10)).toHaveLength(2);
});

function apart(from: number, size: number, other: number, otherSize: number): number {
  return Math.max(other - from - size, from - other - otherSize);
}
