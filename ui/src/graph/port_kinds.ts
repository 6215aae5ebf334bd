/** What a port carries, coarsely: its colour, and whether it is drawn as a list. */

export type PortKind = "file" | "directory" | "text" | "number" | "boolean" | "structure" | "any";

export function isArray(type: string): boolean {
  return /\[\]\??$/.test(type.trim()) || /"type":\s*"array"/.test(type);
}

export function portKind(type: string): PortKind {
  const item = type.replace(/(\[\]|\?)+$/, "").trim();
  if (/^(File|stdout|stderr|stdin)$/.test(item)) return "file";
  if (item === "Directory") return "directory";
  if (item === "string") return "text";
  if (/^(int|long|float|double)$/.test(item)) return "number";
  if (item === "boolean") return "boolean";
  if (item === "" || item === "Any") return "any";
  if (/^\W*(record|enum)|"type":\s*"(record|enum)"/.test(item)) return "structure";
  const inner = ["File", "Directory", "string", "int", "long", "float", "double", "boolean"].filter((name) =>
    new RegExp(`\\b${name}\\b`).test(item),
  );
  return inner.length === 1 && inner[0] !== item ? portKind(inner[0]!) : "structure";
}

/** The type as it fits beside a port's name. */
export function shortType(type: string): string {
  if (!type.startsWith("{") && !type.startsWith("[")) return type;
  if (/"type":\s*"enum"/.test(type)) return "enum";
  if (/"type":\s*"record"/.test(type)) return isArray(type) ? "record[]" : "record";
  return isArray(type) ? "list" : "one of several";
}
