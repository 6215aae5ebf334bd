/** CWL types: their short form, and whether the type of an output fits an input. */
import { type Value, isFields, text } from "./value";

export type CwlType =
  | { kind: "name"; name: string }
  | { kind: "array"; items: CwlType }
  | { kind: "union"; of: CwlType[] }
  | { kind: "record"; name: string; fields: { name: string; type: CwlType }[] }
  | { kind: "enum"; name: string; symbols: string[] };

const ANY: CwlType = { kind: "name", name: "Any" };
const NULL: CwlType = { kind: "name", name: "null" };

/** The type in a document, or in the short form of a port; undefined without one. */
export function readType(value: Value | undefined): CwlType | undefined {
  if (typeof value === "string") return fromText(value.trim());
  if (Array.isArray(value)) return union(value.map((one) => readType(one) ?? ANY));
  if (!isFields(value)) return undefined;
  if (value["type"] === "array") return { kind: "array", items: readType(value["items"]) ?? ANY };
  if (value["type"] === "enum")
    return { kind: "enum", name: shortName(text(value["name"])), symbols: symbolsOf(value["symbols"]) };
  if (value["type"] === "record")
    return { kind: "record", name: shortName(text(value["name"])), fields: fieldsOf(value["fields"]) };
  if ("$import" in value) return { kind: "name", name: shortName(text(value["$import"])) };
  return readType(value["type"]);
}

function fromText(word: string): CwlType | undefined {
  if (word === "") return undefined;
  if (word.endsWith("?")) return union([NULL, fromText(word.slice(0, -1)) ?? ANY]);
  if (word.endsWith("[]")) return { kind: "array", items: fromText(word.slice(0, -2)) ?? ANY };
  if (word.startsWith("{") || word.startsWith("[")) {
    try {
      return readType(JSON.parse(word) as Value);
    } catch {
      return { kind: "name", name: word };
    }
  }
  if (word === "stdout" || word === "stderr") return { kind: "name", name: "File" };
  if (word === "stdin") return { kind: "name", name: "File" };
  return { kind: "name", name: word };
}

function union(of: CwlType[]): CwlType {
  const flat = of.flatMap((one) => (one.kind === "union" ? one.of : [one]));
  return flat.length === 1 ? flat[0]! : { kind: "union", of: flat };
}

function symbolsOf(value: Value | undefined): string[] {
  return Array.isArray(value) ? value.map((symbol) => shortName(text(symbol))) : [];
}

function fieldsOf(value: Value | undefined): { name: string; type: CwlType }[] {
  if (Array.isArray(value)) {
    return value
      .filter(isFields)
      .map((field) => ({ name: shortName(text(field["name"])), type: readType(field["type"]) ?? ANY }));
  }
  if (!isFields(value)) return [];
  return Object.entries(value).map(([name, field]) => ({
    name,
    type: readType(isFields(field) ? field["type"] : field) ?? ANY,
  }));
}

/** `file.yml#main/kind` is `kind`. */
function shortName(name: string): string {
  return name.slice(Math.max(name.lastIndexOf("#"), name.lastIndexOf("/")) + 1);
}

/** CWL's short form where there is one, words otherwise. */
export function formatType(type: CwlType | undefined): string {
  if (!type) return "";
  switch (type.kind) {
    case "name":
      return type.name.includes("#") ? shortName(type.name) : type.name;
    case "array": {
      const items = formatType(type.items);
      return type.items.kind === "union" ? `(${items})[]` : `${items}[]`;
    }
    case "record":
      return type.name ? `record ${type.name}` : "record";
    case "enum":
      return type.name ? `enum ${type.name}` : "enum";
    case "union": {
      const rest = type.of.filter((one) => !isNull(one));
      if (rest.length === 1 && rest.length < type.of.length) return `${formatType(rest[0])}?`;
      const words = rest.map(formatType).join(" | ");
      return rest.length < type.of.length ? `(${words})?` : words;
    }
  }
}

export function isNull(type: CwlType): boolean {
  return type.kind === "name" && type.name === "null";
}

export function isOptional(type: CwlType | undefined): boolean {
  return type?.kind === "union" && type.of.some(isNull);
}

/** The type without null. */
export function withoutNull(type: CwlType): CwlType {
  return type.kind === "union" ? union(type.of.filter((one) => !isNull(one))) : type;
}

export function toOptional(type: CwlType): CwlType {
  return isOptional(type) ? type : union([NULL, type]);
}

export function arrayOf(type: CwlType, levels = 1): CwlType {
  return levels > 0 ? arrayOf({ kind: "array", items: type }, levels - 1) : type;
}

/** What each item of a list is; undefined where it is none. */
export function itemOf(type: CwlType | undefined): CwlType | undefined {
  if (!type) return undefined;
  const rest = withoutNull(type);
  return rest.kind === "array" ? rest.items : undefined;
}

/** `maybe` where some values fit, such as those of an optional output in a required input. */
export type Fit = "yes" | "maybe" | "no";

const WIDER: Record<string, string[]> = {
  int: ["long", "float", "double"],
  long: ["float", "double"],
  float: ["double"],
  double: ["float"],
};

export function typeFit(from: CwlType | undefined, to: CwlType | undefined): Fit {
  if (!from || !to) return "yes";
  if (from.kind === "union") {
    const fits = from.of.map((one) => typeFit(one, to));
    if (fits.every((one) => one === "yes")) return "yes";
    return from.of.some((one, index) => !isNull(one) && fits[index] !== "no") ? "maybe" : "no";
  }
  if (to.kind === "union") {
    const fits = to.of.map((one) => typeFit(from, one));
    return fits.includes("yes") ? "yes" : fits.includes("maybe") ? "maybe" : "no";
  }
  if (isAny(to)) return isNull(from) ? "no" : "yes";
  if (isAny(from)) return "maybe";
  if (from.kind === "array" && to.kind === "array") return typeFit(from.items, to.items);
  if (from.kind === "name" && to.kind === "name") {
    if (from.name === to.name || shortName(from.name) === shortName(to.name)) return "yes";
    if (WIDER[from.name]?.includes(to.name)) return "yes";
    return isBuiltIn(from) && isBuiltIn(to) ? "no" : "maybe";
  }
  if (from.kind === "record" && to.kind === "record") return recordFit(from.fields, to.fields);
  if (from.kind === "enum" && to.kind === "enum")
    return from.symbols.every((symbol) => to.symbols.includes(symbol)) ? "yes" : "maybe";
  if (from.kind === "enum" && to.kind === "name" && to.name === "string") return "yes";
  if (to.kind === "enum" && from.kind === "name" && from.name === "string") return "maybe";
  // A name of a type that another document describes may be anything.
  const named = from.kind === "name" ? from : to.kind === "name" ? to : undefined;
  return named && !isBuiltIn(named) ? "maybe" : "no";
}

function recordFit(from: { name: string; type: CwlType }[], to: { name: string; type: CwlType }[]): Fit {
  let all: Fit = "yes";
  for (const field of to) {
    const one = typeFit(from.find((other) => other.name === field.name)?.type ?? NULL, field.type);
    if (one === "no") return "no";
    if (one === "maybe") all = "maybe";
  }
  return all;
}

function isAny(type: CwlType): boolean {
  return type.kind === "name" && type.name === "Any";
}

const BUILT_IN = new Set(["null", "boolean", "int", "long", "float", "double", "string", "File", "Directory", "Any"]);

function isBuiltIn(type: CwlType): boolean {
  return type.kind === "name" && BUILT_IN.has(type.name);
}

/** The way in which an output fits an input of a step: as it is, item by item, or not at all. */
export function connectionFit(from: CwlType | undefined, to: CwlType | undefined): "yes" | "maybe" | "scatter" | "no" {
  const whole = typeFit(from, to);
  if (whole === "yes") return "yes";
  const item = itemOf(from);
  if (item && typeFit(item, to) !== "no") return "scatter";
  return whole;
}

/** Formats are addresses; one that is worked out, or is not given, may be any. */
export function haveDifferentFormats(from: Value | undefined, to: Value | undefined): boolean {
  const wanted = (Array.isArray(to) ? to : [to]).map(text).filter(Boolean);
  const has = text(from);
  if (!has || wanted.length === 0 || has.includes("$") || wanted.some((one) => one.includes("$"))) return false;
  return !wanted.includes(has);
}
