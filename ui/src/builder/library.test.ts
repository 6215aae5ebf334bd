/** What is said of the documents of the list. */
import { expect, test } from "vitest";
import type { DocumentEntry } from "../api/types";
import { DocumentLibrary, signatureOf } from "./library";

const METRIC = { type: "enum", name: "metric", symbols: ["acc", "f1"] };
const TRAIN: DocumentEntry = {
  path: "shipped:tools/train.cwl",
  name: "train",
  class: "CommandLineTool",
  origin: "shipped",
  can_edit: false,
  inputs: [
    { id: "data", type: "File" },
    { id: "size", type: METRIC },
    { id: "metric", type: ["null", METRIC, "string"], optional: true },
    { id: "settings", type: { type: "array", items: { type: "record", fields: [{ name: "depth", type: "int" }] } } },
  ],
  outputs: [{ id: "model", type: ["File", "Directory"] }],
};

test("types of all forms are told in words", () => {
  expect(signatureOf(TRAIN)).toBe(
    "takes data: File, size: enum metric, metric: (enum metric | string)?, settings: record[]\ngives model: File | Directory",
  );
  expect(signatureOf({ ...TRAIN, inputs: [], outputs: [] })).toBe("takes nothing\ngives nothing");
});

test("a step has the ports of what it runs", () => {
  const found = new DocumentLibrary([TRAIN]).find(TRAIN.path, "train.cwl");
  expect(found?.face.inputs.map((port) => port.required)).toEqual([true, true, false, true]);
});
