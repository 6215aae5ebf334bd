/** What an input of a step may be given. */
import { expect, test } from "vitest";
import { Document } from "../../document/document";
import { type Face, faceFromPorts, mainPath } from "../../document/process";
import { readWorkflow, stepOf, inputType } from "../../document/workflow";
import { parseChoice, sourceChoices } from "./source_choices";

const FACES: Record<string, Face> = {
  "count.cwl": faceFromPorts("CommandLineTool", [{ id: "text", type: "File" }], [{ id: "counts", type: "File" }]),
  "merge.cwl": faceFromPorts("CommandLineTool", [{ id: "parts", type: "File[]" }], [{ id: "report", type: "File" }]),
};

const TEXT = `cwlVersion: v1.2
class: Workflow
inputs: {texts: "File[]", name: string}
outputs: {}
steps:
  count: {run: count.cwl, in: {}, out: [counts]}
  merge: {run: merge.cwl, in: {parts: {source: [count/counts], linkMerge: merge_nested}}, out: [report]}
  again: {run: merge.cwl, in: {}, out: [report]}
`;

function offered(step: string, port: string) {
  const document = Document.open(TEXT);
  const workflow = readWorkflow({
    value: document.value,
    document: "a.cwl",
    process: mainPath(document.value)!,
    library: { find: (_, run) => (FACES[run] ? { path: run, face: FACES[run] } : undefined) },
  })!;
  const found = stepOf(workflow, step)!;
  return sourceChoices(
    workflow,
    found,
    inputType(found, port),
    found.links.find((link) => link.item.id === port),
  ).map((choice) => ({ ...parseChoice(choice.value), label: choice.label }));
}

test("a list into one value is offered item by item, and no circle at all", () => {
  expect(offered("count", "text")).toEqual([
    { from: { step: "", port: "texts" }, way: "scatter", label: "each of texts" },
    { from: { step: "again", port: "report" }, way: "whole", label: "again/report" },
  ]);
});

test("one value is offered to a list", () => {
  expect(offered("again", "parts")).toEqual([
    { from: { step: "", port: "texts" }, way: "whole", label: "texts" },
    { from: { step: "count", port: "counts" }, way: "collect", label: "count/counts" },
    { from: { step: "merge", port: "report" }, way: "collect", label: "merge/report" },
  ]);
});
