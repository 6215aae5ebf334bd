/** A text and its nodes, with the position of each value. */
import {
  type Document,
  type Node,
  type Pair,
  type YAMLMap,
  type YAMLSeq,
  isMap,
  isPair,
  isScalar,
  isSeq,
  parseDocument,
} from "yaml";
import type { Path, Value } from "./value";

export interface Flaw {
  message: string;
  offset: number;
}

export interface Source {
  text: string;
  tree: Document.Parsed;
  value: Value;
  /** The reason why the text is no document; the value is then undefined. */
  broken?: Flaw;
  repeated: Flaw[];
  json: boolean;
  newline: "\n" | "\r\n";
}

const MAX_ALIASES = 1000;

export function readSource(text: string): Source {
  const tree = parseDocument(text, { keepSourceTokens: true, merge: true, prettyErrors: false });
  const source: Source = {
    text,
    tree,
    value: null,
    repeated: [],
    json: /^\s*[{[]/.test(text),
    newline: text.includes("\r\n") ? "\r\n" : "\n",
  };
  for (const error of tree.errors) {
    const flaw = { message: error.message, offset: error.pos[0] };
    if (error.code === "DUPLICATE_KEY") source.repeated.push({ ...flaw, message: "This key is there twice" });
    else source.broken ??= flaw;
  }
  if (source.broken) return source;
  try {
    source.value = (tree.toJS({ maxAliasCount: MAX_ALIASES }) ?? null) as Value;
  } catch (error) {
    source.broken = { message: error instanceof Error ? error.message : String(error), offset: 0 };
  }
  return source;
}

/** The node at a path, or undefined where there is none of its own: an alias or a merge has it, or nothing has. */
export function nodeAt(source: Source, path: Path): Node | undefined {
  let found = source.tree.contents as Node | null | undefined;
  for (const step of path) {
    if (isMap(found)) found = pairOf(found, step)?.value;
    else if (isSeq(found)) found = found.items[Number(step)] as Node | null | undefined;
    else return undefined;
  }
  return found ?? undefined;
}

export function pairOf(map: YAMLMap, key: string | number): Pair<Node, Node | null> | undefined {
  const found = map.items.find((pair) => isPair(pair) && isScalar(pair.key) && String(pair.key.value) === String(key));
  return found as Pair<Node, Node | null> | undefined;
}

/** The range to show for a path: its key, its list item, or the nearest enclosing node. */
export function offsetOf(source: Source, path: Path): number {
  for (let length = path.length; length >= 0; length--) {
    const part = path.slice(0, length);
    const around = length ? nodeAt(source, part.slice(0, -1)) : undefined;
    const pair = around && isMap(around) ? pairOf(around, part.at(-1)!) : undefined;
    const range = pair?.key.range ?? nodeAt(source, part)?.range;
    if (range) return range[0];
  }
  return 0;
}

/** The path of what stands at an offset. */
export function pathAt(source: Source, offset: number): (string | number)[] {
  const path: (string | number)[] = [];
  let found = source.tree.contents as Node | null | undefined;
  while (found) {
    if (isMap(found)) {
      const pair = (found.items as Pair<Node, Node | null>[]).findLast(
        (one) => (one.key.range?.[0] ?? Infinity) <= offset,
      );
      if (!pair || !isScalar(pair.key)) break;
      path.push(String(pair.key.value));
      found = pair.value;
    } else if (isSeq(found)) {
      const index = found.items.findLastIndex((_, at) => itemStart(found as YAMLSeq, at) <= offset);
      if (index < 0) break;
      path.push(index);
      found = found.items[index] as Node | null;
    } else break;
  }
  return path;
}

/** Where an item of a list starts, its dash included. */
export function itemStart(seq: YAMLSeq, index: number): number {
  const token = seq.srcToken;
  if (token?.type === "block-seq") {
    const dash = token.items[index]?.start.find((part) => part.type === "seq-item-ind");
    if (dash) return dash.offset;
  }
  return (seq.items[index] as Node | null)?.range?.[0] ?? Infinity;
}

export function lineOf(source: { text: string }, offset: number): { line: number; column: number } {
  const before = source.text.slice(0, offset);
  const start = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: offset - start + 1 };
}
