/** The fields of the run form for a workflow's inputs, and the values that they result in; without rendering. */
import { formatValue } from "../document/value";
import type { CwlFile, RunInput } from "../api/types";
import { type CwlType, isNull, readType, formatType } from "../document/types";

export type FieldKind =
  "text" | "whole" | "number" | "boolean" | "choice" | "suggested" | "file" | "directory" | "files" | "lines" | "json";

export interface Field {
  id: string;
  kind: FieldKind;
  title: string;
  doc: string;
  /** The type in words: the short form where there is one. */
  type: string;
  required: boolean;
  choices: string[];
  default: unknown;
}

/** The content of a field: its text, or the result of an upload. */
export type Answer = string | boolean | CwlFile[];

export class BadAnswer extends Error {}

const NUMBERS: Record<string, FieldKind> = { int: "whole", long: "whole", float: "number", double: "number" };
const NAMES: Record<string, FieldKind> = {
  ...NUMBERS,
  string: "text",
  boolean: "boolean",
  File: "file",
  Directory: "directory",
};
const LISTS: Record<string, FieldKind> = { string: "lines", File: "files" };

export function fieldOf(input: RunInput & { optional?: boolean }): Field {
  const type = readType(input.type);
  const parts = type?.kind === "union" ? type.of : type ? [type] : [];
  const real = parts.filter((part) => !isNull(part));
  const only = real.length === 1 ? real[0] : undefined;
  const listed = input.choices ?? [];
  const symbols = real.flatMap((part) => (part.kind === "enum" ? part.symbols : []));
  // A text with names to choose from, such as those of known estimators.
  const suggested =
    real.length > 1 && real.every((part) => part.kind === "enum" || (part.kind === "name" && part.name === "string"));
  const optional = input.optional || real.length < parts.length || input.default !== undefined;
  return {
    id: input.id,
    kind: only ? kindOf(only, listed.length > 0) : suggested ? "suggested" : "json",
    title: input.label || input.id,
    doc: input.doc ?? "",
    type: formatType(type),
    required: !optional,
    choices: listed.length ? listed : symbols,
    default: input.default,
  };
}

function kindOf(type: CwlType, listed: boolean): FieldKind {
  if (type.kind === "name" && type.name === "string" && listed) return "choice";
  if (type.kind === "name") return NAMES[type.name] ?? "json";
  if (type.kind === "enum") return "choice";
  if (type.kind === "array" && type.items.kind === "name") return LISTS[type.items.name] ?? "json";
  return "json";
}

/** The initial content of a field. */
export function defaultAnswer(field: Field): Answer {
  const value = field.default;
  switch (field.kind) {
    case "boolean":
      // Three states where it may be left out.
      return value === undefined || value === null ? "" : formatValue(value);
    case "file":
    case "directory":
      return isFile(value) ? [value] : [];
    case "files":
      return Array.isArray(value) ? value.filter(isFile) : [];
    case "lines":
      return Array.isArray(value) ? value.join("\n") : "";
    case "json":
      return value === undefined || value === null ? "" : JSON.stringify(value, null, 2);
    default:
      return value === undefined || value === null ? "" : formatValue(value);
  }
}

/** The value for the run; undefined where the input is left out, and a `BadAnswer` where it cannot be. */
export function valueOf(field: Field, answer: Answer): unknown {
  const value = filled(field, answer);
  if (value === undefined && field.required) throw new BadAnswer(`${field.title} is needed`);
  return value;
}

function filled(field: Field, answer: Answer): unknown {
  if (Array.isArray(answer)) {
    const files = answer.map(tidied);
    if (field.kind === "files") return files.length || field.required ? files : undefined;
    return files[0];
  }
  const text = String(answer);
  if (field.kind === "lines") return text.trim() || field.required ? linesOf(field, text) : undefined;
  if (text.trim() === "")
    return field.kind === "text" && field.required && text === "" ? undefined : text.trim() || undefined;
  switch (field.kind) {
    case "whole":
      if (!/^[+-]?\d+$/.test(text.trim()))
        throw new BadAnswer(`${field.title} is a whole number, and ${text.trim()} is none`);
      return Number(text);
    case "number":
      if (!Number.isFinite(Number(text))) throw new BadAnswer(`${field.title} is a number, and ${text.trim()} is none`);
      return Number(text);
    case "boolean":
      return text === "true";
    case "json":
      return fromJson(field, text);
    default:
      return text;
  }
}

function linesOf(field: Field, text: string): string[] {
  const lines = text.split("\n").filter((line) => line.trim());
  if (!field.choices.length) return lines;
  const names = lines.map((line) => line.trim());
  const wrong = names.find((name) => !field.choices.includes(name));
  if (wrong !== undefined)
    throw new BadAnswer(`${field.title} has no ${wrong}; there are: ${field.choices.join(", ")}`);
  return names;
}

function fromJson(field: Field, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BadAnswer(`${field.title} is ${field.type}, written as JSON; ${(error as Error).message}`);
  }
}

/** A File or Directory from a typed path or address. */
export function fileAt(place: string, kind: CwlFile["class"]): CwlFile {
  return /^\s*[a-z][a-z0-9+.-]*:/i.test(place) ? { class: kind, location: place } : { class: kind, path: place };
}

/** A typed place without the blanks around it; other values unchanged. */
function tidied(file: CwlFile): CwlFile {
  if (file.path !== undefined) return { ...file, path: file.path.trim() };
  return file.location !== undefined ? { ...file, location: file.location.trim() } : file;
}

export function placeOf(file: CwlFile): string {
  return file.location ?? file.path ?? "";
}

function isFile(value: unknown): value is CwlFile {
  const kind = (value as CwlFile | null)?.class;
  return kind === "File" || kind === "Directory";
}
