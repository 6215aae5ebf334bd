/** Which type fits into which. */
import { describe, expect, test } from "vitest";
import { connectionFit, typeFit, haveDifferentFormats, readType, formatType } from "./types";

const fits = (from: Parameters<typeof readType>[0], to: Parameters<typeof readType>[0]) =>
  typeFit(readType(from), readType(to));

describe("short forms", () => {
  test.each([
    ["File[]?", "File[]?"],
    [["null", "string"], "string?"],
    [{ type: "array", items: ["null", "int"] }, "(int?)[]"],
    [["int", "string", "null"], "(int | string)?"],
    [{ type: "enum", name: "#main/size", symbols: ["s", "m"] }, "enum size"],
    ["types.yml#main/sample", "sample"],
    ['{"type": "record", "fields": []}', "record"],
    ["stdout", "File"],
  ])("%j", (type, words) => expect(formatType(readType(type as never))).toBe(words));
});

describe("fit", () => {
  test.each([
    ["File", "File", "yes"],
    ["File", "File?", "yes"],
    ["File?", "File", "maybe"],
    ["int", "double", "yes"],
    ["double", "int", "no"],
    ["string", "int", "no"],
    ["string", "Any", "yes"],
    ["Any", "File", "maybe"],
    ["File[]", "File[]", "yes"],
    ["File[]", "string[]", "no"],
    [["int", "string"], "int", "maybe"],
    [["int", "string"], ["string", "int", "null"], "yes"],
    ["types.yml#a", "File", "maybe"],
    [{ type: "record", fields: { a: "int" } }, { type: "record", fields: { a: "int", b: "File?" } }, "yes"],
    [{ type: "record", fields: { a: "int" } }, { type: "record", fields: { a: "File" } }, "no"],
    [{ type: "enum", symbols: ["a"] }, { type: "enum", symbols: ["a", "b"] }, "yes"],
  ])("%j into %j: %s", (from, to, how) => expect(fits(from as never, to as never)).toBe(how));
});

test("a list goes item by item where it does not go whole", () => {
  expect(connectionFit(readType("File[]"), readType("File"))).toBe("scatter");
  expect(connectionFit(readType("File[]"), readType("File[]"))).toBe("yes");
  expect(connectionFit(readType("File[]"), readType("int"))).toBe("no");
  expect(connectionFit(readType("File[][]"), readType("File[]"))).toBe("scatter");
});

test("formats differ only where both are known", () => {
  expect(haveDifferentFormats("http://a/1", "http://a/2")).toBe(true);
  expect(haveDifferentFormats("http://a/1", ["http://a/2", "http://a/1"])).toBe(false);
  expect(haveDifferentFormats(undefined, "http://a/2")).toBe(false);
  expect(haveDifferentFormats("$(inputs.x.format)", "http://a/2")).toBe(false);
});
