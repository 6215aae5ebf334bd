import { expect, test } from "vitest";
import { isArray, portKind, shortType } from "./port_kinds";

test.each([
  ["File", "file"],
  ["File[]?", "file"],
  ["stdout", "file"],
  ["Directory", "directory"],
  ["string?", "text"],
  ["double[]", "number"],
  ["boolean", "boolean"],
  ["Any", "any"],
  ["", "any"],
  ["record", "structure"],
  ['{"type":"enum","symbols":["a"]}', "structure"],
])("%s is a %s", (type, kind) => {
  expect(portKind(type)).toBe(kind);
});

test("lists are told apart", () => {
  expect(["File[]", "int[]?", '{"type": "array", "items": "File"}'].every(isArray)).toBe(true);
  expect(["File", "string?", ""].some(isArray)).toBe(false);
});

test("what is long is said in a word", () => {
  expect(shortType("File[]")).toBe("File[]");
  expect(shortType('{"type": "enum", "symbols": ["a", "b"]}')).toBe("enum");
});
