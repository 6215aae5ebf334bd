import { describe, expect, it } from "vitest";
import type { Value } from "../document/value";
import { BadAnswer, fieldOf, fileAt, defaultAnswer, valueOf } from "./run_form";

const field = (type: Value, more = {}) => fieldOf({ id: "x", type, ...more });

describe("a field of the form", () => {
  it("is of the kind that its type asks for", () => {
    const kinds = ["string", "int?", "double", "boolean", "File", "File[]", "string[]?", "Directory?", "int[]", "Any"];
    expect(kinds.map((type) => field(type).kind)).toEqual([
      "text",
      "whole",
      "number",
      "boolean",
      "file",
      "files",
      "lines",
      "directory",
      "json",
      "json",
    ]);
    const choice = field('{"type": "enum", "symbols": ["#main/x/a", "b"]}');
    expect([choice.kind, choice.choices]).toEqual(["choice", ["a", "b"]]);
  });

  it("has its type in words, whatever form that has in the document", () => {
    const metric = { type: "enum", name: "metric", symbols: ["acc", "f1"] };
    const types: Value[] = ["File[]", metric, ["null", metric], ["null", metric, "string"], ["File", "Directory"]];
    expect(types.map((type) => field(type).type)).toEqual([
      "File[]",
      "enum metric",
      "enum metric?",
      "(enum metric | string)?",
      "File | Directory",
    ]);
    expect(field(["null", metric])).toMatchObject({ kind: "choice", choices: ["acc", "f1"], required: false });
  });

  it("offers names beside any text, and holds to those that the input lists", () => {
    const known = { type: "enum", name: "metric", symbols: ["acc", "f1"] };
    expect(field(["null", known, "string"])).toMatchObject({
      kind: "suggested",
      choices: ["acc", "f1"],
      required: false,
    });
    expect(valueOf(field([known, "string"]), "another")).toBe("another");
    expect(field("string?", { choices: ["a"] })).toMatchObject({ kind: "choice", choices: ["a"] });
    const models = field("string[]", { choices: ["svm", "ridge"], default: ["svm"] });
    expect([models.kind, valueOf(models, " ridge\nsvm")]).toEqual(["lines", ["ridge", "svm"]]);
    expect(() => valueOf(models, "rigde")).toThrow("x has no rigde; there are: svm, ridge");
  });

  it("need not be filled in where there is a default or null will do", () => {
    expect([field("string").required, field("string?").required, field("string", { default: "a" }).required]).toEqual([
      true,
      false,
      false,
    ]);
    expect(() => valueOf(field("string"), "")).toThrow("x is needed");
    expect(valueOf(field("string?"), "")).toBeUndefined();
  });

  it("begins with the default and gives it back", () => {
    const files = [{ class: "File", location: "file:///a", secondaryFiles: [] }];
    for (const [type, value] of [
      ["int", 3],
      ["boolean", false],
      ["File[]", files],
      ["string[]", ["a", "b"]],
      ["int[]", [1, 2]],
    ] as const) {
      const one = field(type, { default: value });
      expect(valueOf(one, defaultAnswer(one))).toEqual(value);
    }
  });

  it("says what is wrong with an answer", () => {
    expect(() => valueOf(field("int"), "1.5")).toThrow(new BadAnswer("x is a whole number, and 1.5 is none"));
    expect(() => valueOf(field("float"), "much")).toThrow("x is a number, and much is none");
    expect(() => valueOf(field("int[]"), "[1,")).toThrow("x is int[], written as JSON");
  });

  it("takes a path or an address", () => {
    expect(valueOf(field("File"), [fileAt(" /data/my a.csv ", "File")])).toEqual({
      class: "File",
      path: "/data/my a.csv",
    });
    expect(fileAt("s3://bucket/a.csv", "File")).toEqual({ class: "File", location: "s3://bucket/a.csv" });
  });
});
