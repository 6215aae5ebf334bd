/** Changes of values as minimal changes of the text. */
import { type Node, type Pair, type YAMLMap, type YAMLSeq, isMap, isScalar, isSeq, stringify } from "yaml";
import { type Source, itemStart, nodeAt, pairOf } from "./source";
import type { Change, Fields, Path, Value } from "./value";

export interface Splice {
  from: number;
  to: number;
  insert: string;
}

/** A change that cannot be written in place, in a part that is shared or written in an unusual way. */
export class CannotSplice extends Error {}

/** All changes at once; undefined where they meet at one place and must be made one after the other. */
export function splices(source: Source, changes: readonly Change[]): Splice[] | undefined {
  const found: Splice[] = [];
  const gone = new Map<Node, number[]>();
  const grown = new Set<Node | undefined>();
  for (const change of changes) {
    if (change.do === "delete") {
      const around = collection(source, change.path.slice(0, -1));
      gone.set(around, [...(gone.get(around) ?? []), indexIn(around, change.path.at(-1)!)]);
    } else {
      found.push(splice(source, change));
      grown.add(nodeAt(source, change.do === "append" ? change.path : change.path.slice(0, -1)));
    }
  }
  for (const [around, indexes] of gone) {
    if (grown.has(around) && indexes.length === (around as YAMLMap).items.length) return undefined;
  }
  for (const [around, indexes] of gone) found.push(...removal(source, around as YAMLMap | YAMLSeq, indexes));
  found.sort((one, other) => one.from - other.from || one.to - other.to || depth(other) - depth(one));
  for (let index = 1; index < found.length; index++) {
    const [before, after] = [found[index - 1]!, found[index]!];
    if (after.from < before.to || (after.from === before.from && !(bothAdd(before, after) && source.json === false)))
      return undefined;
  }
  return found;
}

/** New lines at one place: those of the inner map or list come first. */
function depth({ insert }: Splice): number {
  const [, spaces, dash] = /^\r?\n( *)(- )?/.exec(insert) ?? [];
  return (spaces?.length ?? 0) + (dash ? 0.5 : 0);
}

/** New keys of one block map stand behind one another. */
function bothAdd(one: Splice, other: Splice): boolean {
  return one.from === one.to && other.from === other.to && /^\r?\n/.test(one.insert) && /^\r?\n/.test(other.insert);
}

export function spliced(text: string, parts: readonly Splice[]): string {
  let result = "";
  let done = 0;
  for (const { from, to, insert } of parts) {
    result += text.slice(done, from) + insert;
    done = to;
  }
  return result + text.slice(done);
}

/** The only range in which two texts differ. */
export function difference(before: string, after: string): Splice | undefined {
  if (before === after) return undefined;
  let start = 0;
  const most = Math.min(before.length, after.length);
  while (start < most && before.charCodeAt(start) === after.charCodeAt(start)) start++;
  let end = 0;
  while (end < most - start && before.charCodeAt(before.length - 1 - end) === after.charCodeAt(after.length - 1 - end))
    end++;
  return { from: start, to: before.length - end, insert: after.slice(start, after.length - end) };
}

function splice(source: Source, change: Exclude<Change, { do: "delete" }>): Splice {
  if (change.do === "append") return append(source, change.path, change.value);
  const last = change.path.at(-1);
  if (last === undefined)
    return {
      from: 0,
      to: source.text.length,
      insert: written(source, change.do === "set" ? change.value : null, 0) + source.newline,
    };
  const around = collection(source, change.path.slice(0, -1));
  if (isSeq(around)) {
    if (change.do === "rename") throw new CannotSplice("A list has no keys");
    return replaceItem(source, around, Number(last), change.value);
  }
  const pair = pairOf(around, last);
  if (change.do === "rename") {
    if (!pair) throw new CannotSplice(`There is no ${last}`);
    return {
      from: pair.key.range![0],
      to: pair.key.range![1],
      insert: scalar(source, change.key, inFlow(source, around), pair.key),
    };
  }
  return pair
    ? replaceValue(source, around, pair, String(last), change.value)
    : addPair(source, around, String(last), change.value, change.after);
}

function collection(source: Source, path: Path): YAMLMap | YAMLSeq {
  const found = nodeAt(source, path);
  if (!found || !(isMap(found) || isSeq(found)))
    throw new CannotSplice("This part is shared with another by an anchor, or is no map or list");
  return found;
}

function indexIn(around: YAMLMap | YAMLSeq, key: string | number): number {
  const index = isSeq(around) ? Number(key) : around.items.indexOf(pairOf(around, key) as Pair);
  if (index < 0 || index >= around.items.length) throw new CannotSplice(`There is no ${key}`);
  return index;
}

/** Whether the text around is in braces or brackets, where lines have no meaning. */
function inFlow(source: Source, node: YAMLMap | YAMLSeq): boolean {
  return source.json || node.flow === true;
}

function replaceValue(source: Source, map: YAMLMap, pair: Pair<Node, Node | null>, key: string, value: Value): Splice {
  const flow = inFlow(source, map);
  const old = pair.value;
  const colon = colonOf(source, pair);
  const end = old?.range && old.range[1] > colon ? old.range[1] : colon;
  if (
    old &&
    isScalar(old) &&
    old.range![1] > old.range![0] &&
    isShort(value) &&
    old.type !== "BLOCK_LITERAL" &&
    old.type !== "BLOCK_FOLDED"
  ) {
    return { from: old.range![0], to: old.range![1], insert: scalar(source, value, flow, old) };
  }
  if (flow)
    return { from: colon, to: end, insert: ` ${written(source, value, columnOfLine(source, pair.key.range![0]))}` };
  const rendered = block(source, { [key]: value }, columnOf(source, pair.key.range![0]));
  const insert = rendered.slice(behindColon(key));
  return {
    from: colon,
    to: end,
    insert: source.text[end - 1] === "\n" && end > colon ? insert + source.newline : insert,
  };
}

/** The position of the value in the text that was rendered for a key. */
function behindColon(key: string): number {
  return stringify({ [key]: 0 }, { lineWidth: 0 }).trimEnd().length - 2;
}

function replaceItem(source: Source, seq: YAMLSeq, index: number, value: Value): Splice {
  const old = seq.items[index] as Node | undefined;
  if (!old?.range) throw new CannotSplice(`There is no item ${index}`);
  const [from, to] = old.range;
  const flow = inFlow(source, seq);
  if (isScalar(old) && to > from && isShort(value) && old.type !== "BLOCK_LITERAL" && old.type !== "BLOCK_FOLDED") {
    return { from, to, insert: scalar(source, value, flow, old) };
  }
  if (flow) return { from, to, insert: written(source, value, columnOfLine(source, from)) };
  const dash = itemStart(seq, index);
  const insert = block(source, [value], columnOf(source, dash)).slice(1);
  return { from: dash + 1, to, insert: source.text[to - 1] === "\n" ? insert + source.newline : insert };
}

function addPair(source: Source, map: YAMLMap, key: string, value: Value, after?: readonly string[]): Splice {
  const items = map.items as Pair<Node, Node | null>[];
  const behind =
    items.findLast((pair) => isScalar(pair.key) && after?.includes(String(pair.key.value))) ?? items.at(-1);
  if (!behind) return filled(source, map, { [key]: value });
  const end =
    behind.value?.range && behind.value.range[1] > behind.key.range![1]
      ? behind.value.range[1]
      : colonOf(source, behind);
  if (inFlow(source, map))
    return addInFlow(source, map, behind.key.range![0], end, `${quotedKey(source, key)}: `, value);
  const column = columnOf(source, items[0]!.key.range![0]);
  return addLines(source, end, block(source, { [key]: value }, column), column);
}

function append(source: Source, path: Path, value: Value): Splice {
  const seq = nodeAt(source, path);
  if (!seq || !isSeq(seq)) {
    if (seq && isScalar(seq) && seq.value === null) return splice(source, { do: "set", path, value: [value] });
    if (!seq) return splice(source, { do: "set", path, value: [value] });
    throw new CannotSplice("This is no list, or one that is shared with another place by an anchor");
  }
  const last = seq.items.at(-1) as Node | undefined;
  if (!last?.range) return filled(source, seq, [value]);
  if (inFlow(source, seq)) return addInFlow(source, seq, last.range[0], last.range[1], "", value);
  const dash = itemStart(seq, seq.items.length - 1);
  const column = columnOf(source, dash);
  return addLines(source, Math.max(last.range[1], dash + 1), block(source, [value], column), column);
}

/** An empty `{}` or `[]` gets its first entry, in lines where the text around it is in lines. */
function filled(source: Source, node: YAMLMap | YAMLSeq, value: Value): Splice {
  const [start, to] = node.range!;
  const insert = firstEntry(source, start, value);
  const gap = insert.startsWith(source.newline) ? /[ \t]*$/.exec(source.text.slice(0, start))![0].length : 0;
  return { from: start - gap, to, insert };
}

function firstEntry(source: Source, start: number, value: Value): string {
  if (source.json) return written(source, value, columnOfLine(source, start));
  const line = source.text.slice(source.text.lastIndexOf("\n", start - 1) + 1, start);
  if (!/^\s*(- +)*[^\s{}[\],"'#&*!|>%@`]+: *$/.test(line)) return flowText(value);
  const column = /^\s*(- +)*/.exec(line)![0].length;
  const inner = column + (Array.isArray(value) && !indentsLists(source) ? 0 : 2);
  return `${source.newline}${" ".repeat(inner)}${block(source, value as Fields | Value[], inner)}`;
}

function addInFlow(
  source: Source,
  node: YAMLMap | YAMLSeq,
  start: number,
  end: number,
  key: string,
  value: Value,
): Splice {
  const lineStart = source.text.lastIndexOf("\n", start - 1) + 1;
  const ownLine = source.text.slice(lineStart, start).trim() === "" && lineStart > node.range![0];
  const column = ownLine ? start - lineStart : columnOfLine(source, start);
  const gap = ownLine ? source.newline + source.text.slice(lineStart, start) : " ";
  return { from: end, to: end, insert: `,${gap}${key}${written(source, value, column, !ownLine)}` };
}

/** New lines behind the line of an offset; a remark at its end stays there. */
function addLines(source: Source, offset: number, lines: string, column: number): Splice {
  const { text, newline } = source;
  const padded = " ".repeat(column) + lines;
  // A block scalar ends behind its last line break.
  let end = offset > 0 && text[offset - 1] === "\n" ? offset - 1 : text.indexOf("\n", offset);
  if (end < 0) end = text.length;
  if (end > 0 && text[end - 1] === "\r") end -= 1;
  return { from: end, to: end, insert: newline + padded };
}

function removal(source: Source, around: YAMLMap | YAMLSeq, indexes: number[]): Splice[] {
  const gone = [...new Set(indexes)].sort((one, other) => one - other);
  if (gone.length === around.items.length) {
    return [emptied(source, around)];
  }
  return gone.map((index) =>
    inFlow(source, around) ? outOfFlow(around, index, gone) : outOfLines(source, around, index, gone),
  );
}

function emptied(source: Source, around: YAMLMap | YAMLSeq): Splice {
  const empty = isSeq(around) ? "[]" : "{}";
  if (around.flow) return { from: around.range![0], to: around.range![1], insert: empty };
  const { from, to } = { from: startOf(around, 0), to: endOf(source, around, around.items.length - 1) };
  const before = /[ \t\r\n]*$/.exec(source.text.slice(0, from))![0];
  const gap = source.text[from - before.length - 1] === ":" || source.text[from - before.length - 1] === "-";
  const insert = gap ? ` ${empty}` : empty;
  return {
    from: gap ? from - before.length : from,
    to,
    insert: source.text[to - 1] === "\n" ? insert + source.newline : insert,
  };
}

function startOf(around: YAMLMap | YAMLSeq, index: number): number {
  return isSeq(around) ? itemStart(around, index) : (around.items[index] as Pair<Node>).key.range![0];
}

function endOf(source: Source, around: YAMLMap | YAMLSeq, index: number): number {
  if (isSeq(around))
    return Math.max((around.items[index] as Node).range![1], around.flow ? 0 : itemStart(around, index) + 1);
  const pair = around.items[index] as Pair<Node, Node | null>;
  return Math.max(pair.value?.range?.[1] ?? 0, pair.key.range![1], colonOf(source, pair));
}

function outOfFlow(around: YAMLMap | YAMLSeq, index: number, gone: number[]): Splice {
  const range = (at: number): [number, number] => {
    if (isSeq(around)) return [(around.items[at] as Node).range![0], (around.items[at] as Node).range![1]];
    const pair = around.items[at] as Pair<Node, Node | null>;
    return [pair.key.range![0], Math.max(pair.key.range![1], pair.value?.range?.[1] ?? 0)];
  };
  const keptBefore = index > 0 && Array.from({ length: index }, (_, at) => at).some((at) => !gone.includes(at));
  if (keptBefore) return { from: range(index - 1)[1], to: range(index)[1], insert: "" };
  return { from: range(index)[0], to: range(index + 1)[0], insert: "" };
}

function outOfLines(source: Source, around: YAMLMap | YAMLSeq, index: number, gone: number[]): Splice {
  const { text } = source;
  const from = startOf(around, index);
  const end = endOf(source, around, index);
  const lineStart = text.lastIndexOf("\n", from - 1) + 1;
  if (text.slice(lineStart, from).trim() !== "") {
    // The first of a map that starts behind a dash: what comes next takes its place.
    let next = index + 1;
    while (gone.includes(next)) next++;
    if (gone.some((other) => other > index && other < next))
      throw new CannotSplice("These stand on one line with the dash");
    return { from, to: startOf(around, next), insert: "" };
  }
  let lineEnd = end > 0 && text[end - 1] === "\n" ? end : text.indexOf("\n", end) + 1;
  if (lineEnd === 0) {
    lineEnd = text.length;
    return { from: lineStart > 0 ? lineStart - (text[lineStart - 2] === "\r" ? 2 : 1) : 0, to: lineEnd, insert: "" };
  }
  return { from: lineStart, to: lineEnd, insert: "" };
}

/** The place behind the colon of a pair. */
function colonOf(source: Source, pair: Pair<Node, Node | null>): number {
  const token = pair.srcToken;
  const colon = token?.sep?.find((part) => part.type === "map-value-ind");
  if (colon) return colon.offset + 1;
  const found = source.text.indexOf(":", pair.key.range![1]);
  if (found < 0) throw new CannotSplice("This key has no value");
  return found + 1;
}

function columnOf(source: Source, offset: number): number {
  return offset - (source.text.lastIndexOf("\n", offset - 1) + 1);
}

/** How far the line of an offset is indented. */
function columnOfLine(source: Source, offset: number): number {
  const start = source.text.lastIndexOf("\n", offset - 1) + 1;
  return /^[ \t]*/.exec(source.text.slice(start, offset))![0].length;
}

function isShort(value: Value): boolean {
  return value === null || (typeof value === "string" ? !value.includes("\n") : typeof value !== "object");
}

/** A scalar in the same quotes as the one that it replaces, where it can be. */
function scalar(source: Source, value: Value, flow: boolean, old?: Node): string {
  if (source.json) return JSON.stringify(value);
  if (typeof value === "string" && isScalar(old)) {
    if (old.type === "QUOTE_DOUBLE") return JSON.stringify(value);
    // eslint-disable-next-line no-control-regex
    if (old.type === "QUOTE_SINGLE" && !/[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]/.test(value))
      return `'${value.replaceAll("'", "''")}'`;
  }
  return flow ? flowText(value) : stringify(value, { lineWidth: 0, defaultKeyType: "PLAIN" }).trimEnd();
}

function quotedKey(source: Source, key: string): string {
  return source.json ? JSON.stringify(key) : flowText(key);
}

/** A value in braces and brackets on one line. */
function flowText(value: Value): string {
  const wrapped = stringify([value], {
    collectionStyle: "flow",
    lineWidth: 0,
    flowCollectionPadding: false,
    defaultStringType: "PLAIN",
  }).trim();
  const inner = wrapped.slice(1, -1).trim();
  return inner.includes("\n") ? JSON.stringify(value) : inner;
}

/** A value as it is written inside of braces. */
function written(source: Source, value: Value, column: number, oneLine = false): string {
  if (!source.json) return flowText(value);
  if (oneLine) return JSON.stringify(value);
  return JSON.stringify(value, null, jsonIndent(source)).replaceAll("\n", source.newline + " ".repeat(column));
}

function jsonIndent(source: Source): number {
  return /^\s*[{[]\r?\n( +)\S/.exec(source.text)?.[1]?.length ?? 2;
}

/** A map or a list in lines; all but the first are indented. */
export function block(source: Pick<Source, "text" | "newline">, value: Fields | Value[], column: number): string {
  const lines = stringify(value, { lineWidth: 0, indentSeq: indentsLists(source) }).trimEnd();
  return lines.replace(/\n(?!\n|$)/g, `\n${" ".repeat(column)}`).replaceAll("\n", source.newline);
}

function indentsLists(source: Pick<Source, "text">): boolean {
  const found = /^( *)[^\s#-][^\n]*:[ \t]*\r?\n( *)- /m.exec(source.text);
  return found ? found[2]!.length > found[1]!.length : false;
}
