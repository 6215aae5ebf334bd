import { describe, expect, it } from "vitest";
import { Document } from "../document/document";
import { type Fields, isFields } from "../document/value";
import { type Tool, addPort, bindingOf, commandOf, lineOf, portsOf, removePort, renamePort, setBinding, setField, wordsOf } from "./tool_edits";

const TOOL = `cwlVersion: v1.2
class: CommandLineTool
baseCommand: sort  # by lines
inputs:
  table: File
  - nothing
`.replace("  - nothing\n", "  reverse: {type: boolean?, inputBinding: {prefix: -r}}\n") + `arguments:
  - $(inputs.table.path)
  - $(inputs.table_2)
outputs:
  sorted: stdout
`;

function open(text: string): { document: Document; tool: Tool } {
  const document = Document.open(text);
  const fields = document.at([]);
  if (!isFields(fields)) throw new Error("no tool");
  return { document, tool: { path: [], fields: fields as Fields } };
}

describe("edits of a tool", () => {
  it("give a short input a binding, and leave the rest alone", () => {
    const { document, tool } = open(TOOL);
    const [table] = portsOf(tool, "inputs");
    const after = document.change(setBinding(table!, "inputs", { position: 1 }));
    expect(bindingOf(portsOf({ path: [], fields: after.at([]) as Fields }, "inputs")[0]!, "inputs")).toEqual({ position: 1 });
    expect(after.text).toContain("baseCommand: sort  # by lines");
    expect(after.text).toContain("  reverse: {type: boolean?, inputBinding: {prefix: -r}}");
  });

  it("take a binding away with its last field", () => {
    const { document, tool } = open(TOOL);
    const [, reverse] = portsOf(tool, "inputs");
    const after = document.change(setBinding(reverse!, "inputs", { prefix: undefined }));
    expect((portsOf({ path: [], fields: after.at([]) as Fields }, "inputs")[1]!.fields)).toEqual({ type: "boolean?" });
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
    expect([commandOf("sort", "cat"), commandOf("sort", ["cat"]), commandOf(" ", "cat")]).toEqual(["sort", ["sort"], undefined]);
    const { document, tool } = open(TOOL);
    expect(document.change(setField(tool, "baseCommand", ["sort", "-n"])).text).toContain("# by lines");
  });
});
