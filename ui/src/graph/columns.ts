/** Layout from left to right: a column for each box by what it depends on, and heights at which wires are straight and few cross. */
import type { Link, Sized } from "./arrange";
import type { Position } from "./model";

const SWEEPS = 16;
/** In the first sweeps boxes whose wires would cross change places. */
const SORTING = 10;
/** Between columns, and between the boxes of one. */
const COLUMN_GAP = 92;
const ROW_GAP = 40;

interface Pull {
  other: string;
  /** How much lower than the other's middle one's own must be for a straight wire. */
  by: number;
}

/** The middles of all boxes. */
export function columnLayout(nodes: readonly Sized[], links: readonly Link[]): Map<string, Position> {
  const known = new Set(nodes.map((node) => node.key));
  const within = links.filter(({ from, to }) => from !== to && known.has(from) && known.has(to));
  const [into, outOf] = [pullsBy(within, "to"), pullsBy(within, "from")];
  const { order, ranks } = rankNodes(nodes, into, outOf);
  const found = new Map<string, Position>();
  const all = groupByRank(order, ranks);
  placeColumns(all, found);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const forth = sweep % 2 === 0;
    const settling = sweep >= SWEEPS - 2;
    for (let turn = 0; turn < all.length; turn++) {
      const column = all[forth ? turn : all.length - 1 - turn]!;
      const wanted = column.map(({ key }) => {
        const near = (forth ? into : outOf).get(key) ?? [];
        const pulling = settling ? [...near, ...((forth ? outOf : into).get(key) ?? [])] : near;
        if (!pulling.length) return found.get(key)!.y;
        return pulling.reduce((sum, { other, by }) => sum + found.get(other)!.y + by, 0) / pulling.length;
      });
      const places = column.map((_, index) => index);
      if (sweep < SORTING) places.sort((a, b) => wanted[a]! - wanted[b]!);
      const sorted = places.map((index) => column[index]!);
      column.splice(0, column.length, ...sorted);
      packColumn(
        column,
        places.map((index) => wanted[index]!),
        found,
      );
    }
  }
  return found;
}

function pullsBy(links: readonly Link[], side: "from" | "to"): Map<string, Pull[]> {
  const found = new Map<string, Pull[]>();
  for (const link of links) {
    const bend = (link.fromY ?? 0) - (link.toY ?? 0);
    const pull = side === "to" ? { other: link.from, by: bend } : { other: link.to, by: -bend };
    const others = found.get(link[side]);
    if (others) others.push(pull);
    else found.set(link[side], [pull]);
  }
  return found;
}

/**
 * The column of each box, right of all that it depends on, and the boxes in the order in which they were ranked.
 * A box that depends on nothing stands in the column just before the first that needs it.
 */
function rankNodes(
  nodes: readonly Sized[],
  into: ReadonlyMap<string, Pull[]>,
  outOf: ReadonlyMap<string, Pull[]>,
): { order: Sized[]; ranks: Map<string, number> } {
  const byKey = new Map(nodes.map((node) => [node.key, node]));
  const ranks = new Map<string, number>();
  const order: Sized[] = [];
  const entered = new Set<string>();
  const visit = (start: string) => {
    // A depth-first walk with its own stack: a chain of thousands of steps overflows the call stack.
    const stack: { key: string; sources: readonly Pull[]; next: number; rank: number }[] = [];
    const enter = (key: string) => {
      entered.add(key);
      stack.push({ key, sources: into.get(key) ?? [], next: 0, rank: 0 });
    };
    if (!entered.has(start)) enter(start);
    while (stack.length) {
      const frame = stack.at(-1)!;
      const source = frame.sources[frame.next]?.other;
      if (source === undefined) {
        ranks.set(frame.key, frame.rank);
        order.push(byKey.get(frame.key)!);
        stack.pop();
      } else if (entered.has(source)) {
        // A source that is entered but has no rank closes a cycle, which is cut there.
        frame.rank = Math.max(frame.rank, (ranks.get(source) ?? -1) + 1);
        frame.next++;
      } else enter(source);
    }
  };
  for (const { key } of nodes) if (!outOf.has(key)) visit(key);
  for (const { key } of nodes) visit(key);
  for (const { key } of nodes) {
    const targets = outOf.get(key);
    if (!targets || into.has(key)) continue;
    const first = targets.reduce((least, { other }) => Math.min(least, ranks.get(other)!), Infinity);
    ranks.set(key, Math.max(0, first - 1));
  }
  return { order, ranks };
}

function groupByRank(order: readonly Sized[], ranks: ReadonlyMap<string, number>): Sized[][] {
  const all: Sized[][] = [];
  for (const node of order) (all[ranks.get(node.key)!] ??= []).push(node);
  return all.filter(Boolean);
}

/** Columns beside each other, each with its boxes below each other. */
function placeColumns(all: readonly Sized[][], into: Map<string, Position>): void {
  let left = 0;
  for (const column of all) {
    const width = column.reduce((most, { size }) => Math.max(most, size.width), 0);
    let top = 0;
    for (const { key, size } of column) {
      into.set(key, { x: Math.round(left + width / 2), y: top + size.height / 2 });
      top += size.height + ROW_GAP;
    }
    left += width + COLUMN_GAP;
  }
}

/** As near to where each wants to be as their order and the gaps allow: neighbours that push each other move as one. */
function packColumn(column: readonly Sized[], wanted: readonly number[], into: Map<string, Position>): void {
  const offsets: number[] = [];
  column.forEach(({ size }, index) => {
    offsets.push(index ? offsets[index - 1]! + column[index - 1]!.size.height / 2 + ROW_GAP + size.height / 2 : 0);
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
    for (let i = 0; i < count; i++, index++)
      into.get(column[index]!.key)!.y = Math.round(sum / count + offsets[index]!);
  }
}
