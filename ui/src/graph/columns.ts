/**
 * Heights within columns. dagre keeps a lane free for each long wire, which makes large pictures many times too high:
 * here the columns stay, and each box moves to where its wires are straightest.
 */
import type { Link, Sized } from "./arrange";
import type { Position } from "./model";

const SWEEPS = 12;
/** dagre knows no ports: in the first sweeps boxes whose wires would cross change places. */
const SORTING = 4;

export function straighten(nodes: readonly Sized[], links: readonly Link[], places: ReadonlyMap<string, Position>, gap: number): Map<string, Position> {
  const found = new Map([...places].map(([key, place]) => [key, { ...place }]));
  const columns = columnsOf(nodes, places);
  const [into, outOf] = [pulls(links, "to"), pulls(links, "from")];
  for (const column of columns) pack(column, column.map((node) => found.get(node.key)!.y), gap, found);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const forth = sweep % 2 === 0;
    const last = sweep >= SWEEPS - 2;
    for (const column of forth ? columns : columns.toReversed()) {
      const wanted = column.map(({ key }) => {
        const from = (forth ? into : outOf).get(key) ?? [];
        const all = last ? [...from, ...((forth ? outOf : into).get(key) ?? [])] : from;
        const heights = all.flatMap(({ other, by }) => (found.has(other) ? [found.get(other)!.y + by] : []));
        return heights.length ? heights.reduce((sum, each) => sum + each, 0) / heights.length : found.get(key)!.y;
      });
      const order = column.map((_, index) => index);
      if (sweep < SORTING) order.sort((a, b) => wanted[a]! - wanted[b]!);
      const sorted = order.map((index) => column[index]!);
      column.splice(0, column.length, ...sorted);
      pack(column, order.map((index) => wanted[index]!), gap, found);
    }
  }
  return found;
}

function columnsOf(nodes: readonly Sized[], places: ReadonlyMap<string, Position>): Sized[][] {
  const columns = new Map<number, Sized[]>();
  for (const node of nodes) {
    const { x } = places.get(node.key)!;
    columns.set(x, [...(columns.get(x) ?? []), node]);
  }
  for (const column of columns.values()) column.sort((a, b) => places.get(a.key)!.y - places.get(b.key)!.y);
  return [...columns].sort(([a], [b]) => a - b).map(([, column]) => column);
}

/** For each box the boxes that it is wired to, and how much lower than theirs its middle must be for a straight wire. */
function pulls(links: readonly Link[], side: "from" | "to"): Map<string, { other: string; by: number }[]> {
  const found = new Map<string, { other: string; by: number }[]>();
  for (const link of links) {
    const other = side === "to" ? link.from : link.to;
    const bend = (link.fromY ?? 0) - (link.toY ?? 0);
    found.set(link[side], [...(found.get(link[side]) ?? []), { other, by: side === "to" ? bend : -bend }]);
  }
  return found;
}

/** As near to where each wants to be as their order and the gaps allow: neighbours that push each other move as one. */
function pack(column: readonly Sized[], wanted: readonly number[], gap: number, into: Map<string, Position>): void {
  const offsets: number[] = [];
  column.forEach(({ size }, index) => {
    offsets.push(index ? offsets[index - 1]! + column[index - 1]!.size.height / 2 + gap + size.height / 2 : 0);
  });
  const blocks: { sum: number; count: number }[] = [];
  wanted.forEach((height, index) => {
    let block = { sum: height - offsets[index]!, count: 1 };
    for (let above = blocks.at(-1); above && above.sum / above.count > block.sum / block.count; above = blocks.at(-1)) {
      block = { sum: above.sum + block.sum, count: above.count + block.count };
      blocks.pop();
    }
    blocks.push(block);
  });
  let index = 0;
  for (const { sum, count } of blocks) {
    for (let i = 0; i < count; i++, index++) into.get(column[index]!.key)!.y = Math.round(sum / count + offsets[index]!);
  }
}
