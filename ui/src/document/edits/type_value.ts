/** A type as it is written, in the shortest form. */
import { type CwlType, withoutNull, isOptional } from "../types";
import type { Value } from "../value";

export function typeValue(type: CwlType | undefined): Value {
  if (!type) return "Any";
  if (type.kind === "name") return type.name;
  if (type.kind === "array") {
    const inner = typeValue(type.items);
    return typeof inner === "string" && !/[[\]?]/.test(inner) ? `${inner}[]` : { type: "array", items: inner };
  }
  if (type.kind === "enum") return { type: "enum", ...(type.name ? { name: type.name } : {}), symbols: type.symbols };
  if (type.kind === "record") {
    return {
      type: "record",
      ...(type.name ? { name: type.name } : {}),
      fields: type.fields.map((field) => ({ name: field.name, type: typeValue(field.type) })),
    };
  }
  if (isOptional(type)) {
    const inner = typeValue(withoutNull(type));
    if (typeof inner === "string" && !inner.includes("?")) return `${inner}?`;
    return ["null", ...(Array.isArray(inner) ? inner : [inner])];
  }
  return type.of.map(typeValue);
}
