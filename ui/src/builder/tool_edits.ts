/** Edits of a tool: its command, inputs, outputs and requirements; without rendering. */
import { type Item, freeName, items, scopeOf, formatId } from "../document/items";
import { setFields } from "../document/edits";
import { type Change, type Fields, type Path, type Value, isFields, list, text } from "../document/value";

export interface Tool {
  path: Path;
  fields: Fields;
}

export type Side = "inputs" | "outputs";

/** The binding of an input defines its place on the command line, that of an output where it is found. */
const BINDING = { inputs: "inputBinding", outputs: "outputBinding" } as const;

export function portsOf(tool: Tool, side: Side): Item[] {
  return items(tool.fields[side], [...tool.path, side], "id", "type");
}

export function bindingOf(item: Item, side: Side): Fields {
  const found = item.fields[BINDING[side]];
  return isFields(found) ? found : {};
}

/** Sets fields of a binding; an empty binding is removed, unless its presence has a meaning. */
export function setBinding(
  item: Item,
  side: Side,
  fields: { [key: string]: Value | undefined },
  stay = false,
): Change[] {
  const name = BINDING[side];
  const now = item.fields[name];
  const next = Object.fromEntries(
    Object.entries({ ...bindingOf(item, side), ...fields }).filter(
      (entry): entry is [string, Value] => entry[1] !== undefined,
    ),
  );
  if (!Object.keys(next).length && !stay) return setFields(item, "type", { [name]: undefined });
  if (item.short || !isFields(now)) return setFields(item, "type", { [name]: next });
  return Object.entries(fields).flatMap(([key, value]): Change[] => {
    const path = [...item.path, name, key];
    if (value !== undefined) return [{ do: "set", path, value }];
    return key in now ? [{ do: "delete", path }] : [];
  });
}

/** A new input or output, with a name that is free. */
export function addPort(tool: Tool, side: Side, wanted: string, fields: Fields): Change[] {
  const id = freeName(
    wanted,
    [...portsOf(tool, "inputs"), ...portsOf(tool, "outputs")].map((item) => item.id),
  );
  const path = [...tool.path, side];
  const now = tool.fields[side];
  const name = formatId(scopeOf(tool.fields, text(tool.fields["id"]).startsWith("#")), id);
  if (isFields(now) && Object.keys(now).length) return [{ do: "set", path: [...path, name], value: fields }];
  const item = { id: name, ...fields };
  return Array.isArray(now) ? [{ do: "append", path, value: item }] : [{ do: "set", path, value: [item] }];
}

/** Expressions of the tool that refer to a renamed input are changed too. */
export function renamePort(tool: Tool, side: Side, item: Item, id: string): Change[] {
  const key = item.path.at(-1);
  const before = text(item.fields["id"]);
  const named: Change =
    typeof key === "string" && !("id" in item.fields && Array.isArray(tool.fields[side]))
      ? { do: "rename", path: item.path, key: id }
      : { do: "set", path: [...item.path, "id"], value: before.slice(0, before.length - item.id.length) + id };
  if (side === "outputs") return [named];
  const speaking = new RegExp(`\\binputs\\.${escaped(item.id)}(?![\\w-])`, "g");
  return [named, ...rewritten(tool.fields, tool.path, (words) => words.replace(speaking, `inputs.${id}`))];
}

function rewritten(value: Value, path: Path, write: (words: string) => string): Change[] {
  if (typeof value === "string") {
    const next = /\$[({]/.test(value) ? write(value) : value;
    return next === value ? [] : [{ do: "set", path, value: next }];
  }
  if (Array.isArray(value)) return value.flatMap((one, index) => rewritten(one, [...path, index], write));
  if (!isFields(value)) return [];
  return Object.entries(value).flatMap(([key, one]) => rewritten(one, [...path, key], write));
}

function escaped(words: string): string {
  return words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

export function removePort(tool: Tool, side: Side, item: Item): Change[] {
  return portsOf(tool, side).length === 1
    ? [{ do: "set", path: [...tool.path, side], value: [] }]
    : [{ do: "delete", path: item.path }];
}

/** Sets a field of the tool itself; undefined removes it. */
export function setField(tool: Tool, name: string, value: Value | undefined, after: readonly string[] = []): Change[] {
  const path = [...tool.path, name];
  if (value !== undefined) return [{ do: "set", path, value, after }];
  return name in tool.fields ? [{ do: "delete", path }] : [];
}

/** The words of a typed command; quotes keep words together. */
export function wordsOf(line: string): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s"']+)/g)].map(
    ([, double, single, plain]) => plain ?? single ?? double!.replace(/\\(.)/g, "$1"),
  );
}

export function lineOf(command: Value | undefined): string {
  return list(command)
    .map((word) => text(word))
    .map((word) => (word === "" || /[\s"']/.test(word) ? `"${word.replace(/(["\\])/g, "\\$1")}"` : word))
    .join(" ");
}

/** One word stays a text, where it was one. */
export function commandOf(line: string, before: Value | undefined): Value | undefined {
  const words = wordsOf(line);
  if (!words.length) return undefined;
  return words.length === 1 && !Array.isArray(before) ? words[0]! : words;
}

/** An argument with its fields; a plain one is only its value. */
export function argumentsOf(tool: Tool): Fields[] {
  return list(tool.fields["arguments"]).map((one) => (isFields(one) ? one : { valueFrom: one }));
}

/** A plain argument stays a plain text for as long as it is only a value. */
export function setArgument(tool: Tool, index: number, fields: { [key: string]: Value | undefined }): Change[] {
  const path = [...tool.path, "arguments", index];
  const now = list(tool.fields["arguments"])[index];
  if (isFields(now)) {
    return Object.entries(fields).flatMap(([key, value]): Change[] => {
      if (value !== undefined) return [{ do: "set", path: [...path, key], value }];
      return key in now ? [{ do: "delete", path: [...path, key] }] : [];
    });
  }
  const whole: { [key: string]: Value | undefined } = { valueFrom: now ?? "", ...fields };
  const next = Object.entries(whole).filter((entry): entry is [string, Value] => entry[1] !== undefined);
  const plain = next.length === 1 && next[0]![0] === "valueFrom";
  return [{ do: "set", path, value: plain ? next[0]![1] : Object.fromEntries(next) }];
}

export function addArgument(tool: Tool, value: string): Change[] {
  const now = tool.fields["arguments"];
  const path = [...tool.path, "arguments"];
  return Array.isArray(now)
    ? [{ do: "append", path, value }]
    : [{ do: "set", path, value: [value], after: ["baseCommand"] }];
}

export function removeArgument(tool: Tool, index: number): Change[] {
  const path = [...tool.path, "arguments"];
  return [{ do: "delete", path: list(tool.fields["arguments"]).length === 1 ? path : [...path, index] }];
}

/** Variables as `NAME=value`, one a line. */
export function linesOfVariables(definitions: Value | undefined): string {
  const pairs = isFields(definitions)
    ? Object.entries(definitions).map(([name, one]) => [name, isFields(one) ? one["envValue"] : one])
    : list(definitions).map((one) => (isFields(one) ? [text(one["envName"]), one["envValue"]] : ["", one]));
  return pairs.map(([name, value]) => `${text(name)}=${text(value)}`).join("\n");
}

/** In the existing form: a map, or a list. */
export function variablesOf(lines: string, before: Value | undefined): Value | undefined {
  const pairs = lines
    .split("\n")
    .filter((line) => line.trim())
    .map((line) => {
      const at = line.indexOf("=");
      return [line.slice(0, at).trim(), line.slice(at + 1)] as const;
    });
  if (!pairs.length) return undefined;
  return isFields(before) ? Object.fromEntries(pairs) : pairs.map(([envName, envValue]) => ({ envName, envValue }));
}

export function variablesFlaw(lines: string): string | undefined {
  const wrong = lines.split("\n").find((line) => line.trim() && !/^\s*[A-Za-z_]\w*\s*=/.test(line));
  return wrong === undefined ? undefined : `“${wrong.trim()}” is no variable; write NAME=value, one a line.`;
}
