/** A folder of documents, and a session that edits one of them. */
import type { DocumentEntry } from "../api/types";
import { DocumentLibrary } from "../builder/library";
import { Session } from "../builder/session";

const TOOL = { class: "CommandLineTool", origin: "user", can_edit: true } as const;

export const ENTRIES: DocumentEntry[] = [
  {
    ...TOOL,
    path: "tools/split.cwl",
    name: "split.cwl",
    label: "Split a text",
    inputs: [{ id: "text", type: "File" }],
    outputs: [{ id: "parts", type: "File[]" }],
  },
  {
    ...TOOL,
    path: "tools/count.cwl",
    name: "count.cwl",
    label: "Count words",
    doc: "Counts the words of a text.",
    inputs: [
      { id: "text", type: "File" },
      { id: "least", type: "int", optional: true },
      { id: "mode", type: "string?" },
    ],
    outputs: [{ id: "counts", type: "File" }],
  },
  {
    ...TOOL,
    path: "tools/broken.cwl",
    name: "broken.cwl",
    error: "line 3: no class",
    inputs: [],
    outputs: [],
  },
  {
    ...TOOL,
    path: "nightly.cwl",
    name: "nightly.cwl",
    class: "Workflow",
    inputs: [],
    outputs: [],
  },
  {
    ...TOOL,
    path: "shipped:tools/train.cwl",
    name: "train.cwl",
    origin: "shipped",
    can_edit: false,
    inputs: [{ id: "data", type: "File" }],
    outputs: [{ id: "model", type: "File" }],
  },
];

export const WORKFLOW = `cwlVersion: v1.2
class: Workflow
inputs:
  book: File
  names: string[]
outputs:
  result:
    type: File
    outputSource: count/counts
steps:
  split:
    run: tools/split.cwl
    in:
      text: book
    out: [parts]
  count:
    run: tools/count.cwl
    in:
      text: book
    out: [counts]
`;

export function openSession(text = WORKFLOW, editable = true): Session {
  return new Session("counting.cwl", { version: "1", text }, text, editable, new DocumentLibrary(ENTRIES));
}
