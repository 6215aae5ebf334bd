import { describe, expect, it } from "vitest";
import { Document } from "../document/document";
import { type Fields, isFields } from "../document/value";
import {
  type Tool,
  addArgument,
  addPort,
  argumentsOf,
  bindingOf,
  commandOf,
  linesOfVariables,
  removeArgument,
  setArgument,
  variablesFlaw,
  variablesOf,
  lineOf,
  portsOf,
  removePort,
  renamePort,
  setBinding,
  setField,
  wordsOf,
} from "./tool_edits";

const TOOL =
  `cwlVersion: v1.2
class: CommandLineTool
baseCommand: sort  # by lines
inputs:
  table: File
  - nothing
`.replace("  - nothing\n", "  reverse: {type: boolean?, inputBinding: {prefix: -r}}\n") +
  `arguments:
  - $(inputs.table.path)
  - $(inputs.table_2)
outputs:
  sorted: stdout
`;

function open(text: string): { document: Document; tool: Tool } {
  const document = Document.open(text);
  const fields = document.at([]);
  if (!isFields(fields)) throw new Error("no tool");
  return { document, tool: { path: [], fields: fields } };
}

describe("edits of a tool", () => {
  it("give a short input a binding, and leave the rest alone", () => {
    const { document, tool } = open(TOOL);
    const [table] = portsOf(tool, "inputs");
    const after = document.change(setBinding(table!, "inputs", { position: 1 }));
    expect(bindingOf(portsOf({ path: [], fields: after.at([]) as Fields }, "inputs")[0]!, "inputs")).toEqual({
      position: 1,
    });
    expect(after.text).toContain("baseCommand: sort  # by lines");
    expect(after.text).toContain("  reverse: {type: boolean?, inputBinding: {prefix: -r}}");
  });

  it("take a binding away with its last field", () => {
    const { document, tool } = open(TOOL);
    const [, reverse] = portsOf(tool, "inputs");
    const after = document.change(setBinding(reverse!, "inputs", { prefix: undefined }));
    expect(portsOf({ path: [], fields: after.at([]) as Fields }, "inputs")[1]!.fields).toEqual({ type: "boolean?" });
  });

  it("rename an input where expressions speak of it, and nowhere else", () => {
    const { document, tool } = open(TOOL);
    const [table] = portsOf(tool, "inputs");
    const after = document.change(renamePort(tool, "inputs", table!, "rows"));
    expect(after.text).toContain("  rows: File\n");
    expect(after.text).toContain("  - $(inputs.rows.path)\n  - $(inputs.table_2)\n");
  });

  it("add and remove inputs and outputs", () => {
    const { document, tool } = open(TOOL);
    const more = document.change(addPort(tool, "inputs", "table", { type: "int" }));
    const found = { path: [], fields: more.at([]) as Fields };
    expect(portsOf(found, "inputs").map((item) => item.id)).toEqual(["table", "reverse", "table_2"]);
    const less = document.change(removePort(tool, "outputs", portsOf(tool, "outputs")[0]!));
    expect(portsOf({ path: [], fields: less.at([]) as Fields }, "outputs")).toEqual([]);
  });

  it("write a command as words", () => {
    expect(wordsOf(`sort -k "a b" 'c d'`)).toEqual(["sort", "-k", "a b", "c d"]);
    expect(lineOf(["sort", "-k", "a b"])).toBe(`sort -k "a b"`);
    expect([commandOf("sort", "cat"), commandOf("sort", ["cat"]), commandOf(" ", "cat")]).toEqual([
      "sort",
      ["sort"],
      undefined,
    ]);
    const { document, tool } = open(TOOL);
    expect(document.change(setField(tool, "baseCommand", ["sort", "-n"])).text).toContain("# by lines");
  });

  it("keep a plain argument plain until it gets more than a value", () => {
    const { document, tool } = open(TOOL);
    expect(document.change(setArgument(tool, 1, { valueFrom: "-n" })).text).toContain(
      "  - $(inputs.table.path)\n  - -n\n",
    );
    const flagged = document.change(setArgument(tool, 1, { position: 3 })).at([]) as Fields;
    expect(argumentsOf({ path: [], fields: flagged })[1]).toEqual({ valueFrom: "$(inputs.table_2)", position: 3 });
    const more = document.change(addArgument(tool, "-z"));
    const less = more.change(removeArgument({ path: [], fields: more.at([]) as Fields }, 2));
    expect(less.at([])).toEqual(tool.fields);
  });

  it("write variables in the form that is there", () => {
    const map = { LC_ALL: "C", WORDS: { envValue: "a=b" } };
    expect(linesOfVariables(map)).toBe("LC_ALL=C\nWORDS=a=b");
    expect(variablesOf("LC_ALL=C\nWORDS=a=b\n", map)).toEqual({ LC_ALL: "C", WORDS: "a=b" });
    expect(variablesOf("A=1", undefined)).toEqual([{ envName: "A", envValue: "1" }]);
    expect([variablesFlaw("A=1\n\n B=2"), variablesFlaw("A=1\nwrong")]).toEqual([
      undefined,
      "“wrong” is no variable; write NAME=value, one a line.",
    ]);
  });
});
