/** What single edits write, and what follows them. */
import { describe, expect, test } from "vitest";
import { connectBy, connectionWay } from "./connecting";
import { Document } from "./document";
import * as edits from "./edits";
import { graphOf } from "./graph";
import { type Face, faceFromPorts, mainPath } from "./process";
import { closesCycle } from "./dependencies";
import { findProblems } from "./problems";
import type { Change } from "./value";
import { type Library, type Workflow, readWorkflow, stepOf } from "./workflow";

const FACES: Record<string, Face> = {
  "count.cwl": faceFromPorts(
    "CommandLineTool",
    [
      { id: "text", type: "File" },
      { id: "top", type: "int", default: 3 },
    ],
    [{ id: "counts", type: "File" }],
  ),
  "merge.cwl": faceFromPorts(
    "CommandLineTool",
    [
      { id: "parts", type: "File[]" },
      { id: "name", type: "string?" },
    ],
    [{ id: "report", type: "File" }],
  ),
};
const RETRIEVE = faceFromPorts(
  "CommandLineTool",
  [
    { id: "source", type: "string?" },
    { id: "files", type: "File[]?" },
  ],
  [{ id: "data", type: "File" }],
);
FACES["retrieve.cwl"] = { ...RETRIEVE, hint: "Retrieve" };
const library: Library = { find: (_, run) => (FACES[run] ? { path: run, face: FACES[run] } : undefined) };

const LISTS = `# A remark at the top
cwlVersion: v1.2
class: Workflow
inputs:
- id: texts   # several
  type: File[]
outputs: []
steps:
- id: count
  run: count.cwl
  in:
  - id: text
    source: texts
  scatter: text
  out: [counts]
- id: merge # the last
  run: merge.cwl
  in: []
  out:
  - id: report
requirements:
- class: ScatterFeatureRequirement
`;

const MAPS = `cwlVersion: v1.2
class: Workflow
inputs:
    texts: File[]
    top: int?
outputs:
    report:
        type: File
        outputSource: merge/report
steps:
    count:
        run: count.cwl
        scatter: text
        in: {text: texts}
        out: [counts]
    merge:
        run: merge.cwl
        in:
            parts: count/counts
        out: [report]
`;

function workflowOf(document: Document): Workflow {
  return readWorkflow({ value: document.value, document: "here.cwl", process: mainPath(document.value)!, library })!;
}

function edited(text: string, make: (workflow: Workflow) => Change[]): string {
  const document = Document.open(text);
  const after = document.change(make(workflowOf(document)));
  expect(after.holds).toBe(true);
  return after.text;
}

/** The lines that are new, and those that have gone. */
function difference(before: string, after: string): { gone: string[]; come: string[] } {
  const [old, now] = [before.split("\n"), after.split("\n")];
  return { gone: old.filter((line) => !now.includes(line)), come: now.filter((line) => !old.includes(line)) };
}

describe("steps", () => {
  test("a renamed step takes its references along", () => {
    const after = edited(MAPS, (workflow) => edits.rename(workflow, "step:merge", "unite"));
    expect(difference(MAPS, after)).toEqual({
      gone: ["        outputSource: merge/report", "    merge:"],
      come: ["        outputSource: unite/report", "    unite:"],
    });
  });

  test("a removed step leaves no reference", () => {
    const after = edited(MAPS, (workflow) => edits.remove(workflow, ["step:count"]));
    expect(after).not.toContain("count");
    expect(after).toContain("in: {}");
  });

  test("a first place brings its namespace, a later one only numbers", () => {
    const placed = edited(LISTS, (workflow) =>
      edits.move(workflow, [{ key: "step:merge", position: { x: 10.4, y: -3 } }]),
    );
    expect(difference(LISTS, placed).come).toEqual([
      "$namespaces:",
      "  sbg: https://www.sevenbridges.com/",
      "  sbg:x: 10",
      "  sbg:y: -3",
    ]);
    expect(placed).toContain("- id: merge # the last\n");
    const moved = edited(placed, (workflow) =>
      edits.move(workflow, [{ key: "step:merge", position: { x: 11, y: -3 } }]),
    );
    expect(difference(placed, moved)).toEqual({ gone: ["  sbg:x: 10"], come: ["  sbg:x: 11"] });
  });

  test("a new step says what it gives", () => {
    const after = edited(LISTS, (workflow) =>
      edits.addStep(workflow, { id: "again", run: "count.cwl", face: FACES["count.cwl"], position: { x: 1, y: 2 } }),
    );
    expect(after).toContain(
      "- id: again\n  run: count.cwl\n  in: []\n  out:\n  - id: counts\n  sbg:x: 1\n  sbg:y: 2\n",
    );
  });

  test("a condition brings the version that knows it", () => {
    const older = LISTS.replace("v1.2", "v1.0");
    const after = edited(older, (workflow) =>
      edits.setWhen(workflow, stepOf(workflow, "merge")!, "$(inputs.name != null)"),
    );
    expect(after).toContain("cwlVersion: v1.2\n");
    expect(after).toContain("  when: $(inputs.name != null)\n");
    expect(after).toContain("- class: InlineJavascriptRequirement\n");
  });
});

describe("connections", () => {
  test("an array into one value scatters", () => {
    const without = LISTS.replace("    source: texts\n", "    default: null\n").replace("  scatter: text\n", "");
    const workflow = workflowOf(Document.open(without));
    const [from, to] = [
      { step: "", port: "texts" },
      { step: "count", port: "text" },
    ];
    expect(connectionWay(workflow, from, to)).toBe("scatter");
    expect(edited(without, (now) => connectBy(now, from, to, "scatter"))).toContain("  scatter:\n  - text\n");
  });

  test("one value into a list is collected, and so is the next", () => {
    const from = { step: "count", port: "counts" };
    const to = { step: "merge", port: "parts" };
    const single = LISTS.replace("  scatter: text\n", "").replace("File[]", "File");
    expect(connectionWay(workflowOf(Document.open(single)), from, to)).toBe("collect");
    const once = edited(single, (now) => connectBy(now, from, to, "collect"));
    expect(once).toContain("    linkMerge: merge_nested\n");
    const twice = edited(once, (now) => connectBy(now, { step: "", port: "texts" }, to, "collect"));
    expect(twice).toContain("    - count/counts\n    - texts\n");
    expect(
      findProblems(workflowOf(Document.open(twice))).filter(
        (one) => one.severity === "error" && one.key === "step:merge",
      ),
    ).toEqual([]);
  });

  test("another source takes the place of the one before", () => {
    const more = edited(LISTS, (now) => edits.addInput(now, "other", { type: "File[]" }));
    const after = edited(more, (now) =>
      connectBy(now, { step: "", port: "other" }, { step: "count", port: "text" }, "scatter"),
    );
    expect(difference(more, after)).toEqual({ gone: ["    source: texts"], come: ["    source: other"] });
  });

  test("an output takes the type of what goes into it", () => {
    const more = edited(LISTS, (now) => edits.addOutput(now, "all", { type: "int" }));
    const after = edited(more, (now) =>
      connectBy(now, { step: "count", port: "counts" }, { step: "", port: "all" }, "whole"),
    );
    expect(after).toContain("- id: all\n  type: File[]\n  outputSource:\n  - count/counts\n");
  });

  test("circles and what does not fit are no connections", () => {
    const workflow = workflowOf(Document.open(MAPS));
    expect(closesCycle(workflow, "merge", "count")).toBe(true);
    expect(connectionWay(workflow, { step: "merge", port: "report" }, { step: "count", port: "text" })).toBeUndefined();
    expect(connectionWay(workflow, { step: "", port: "top" }, { step: "count", port: "text" })).toBeUndefined();
  });
});

describe("fields of inputs", () => {
  test("a scattered input that goes with its last field is not scattered over any more", () => {
    const without = edited(LISTS, (workflow) =>
      edits.setLinkFields(workflow, stepOf(workflow, "count")!, "text", { source: undefined }),
    );
    expect(difference(LISTS, without).gone.map((line) => line.trim())).toEqual([
      "in:",
      "- id: text",
      "source: texts",
      "scatter: text",
    ]);
  });
});

describe("copies", () => {
  test("connections among copies are copied, those from outside stay", () => {
    const document = Document.open(MAPS);
    const workflow = workflowOf(document);
    const clip = edits.copy(workflow, ["step:count", "step:merge"]);
    const { changes, keys } = edits.paste(workflow, clip, { x: 1, y: 1 });
    expect(keys).toEqual(["step:count_2", "step:merge_2"]);
    const after = workflowOf(document.change(changes));
    const wires = graphOf(after).edges.map((edge) => edge.key);
    expect(wires).toContain("wire:step:count_2.counts > step:merge_2.parts");
    expect(wires).toContain("wire:input:texts.texts > step:count_2.text");
  });
});

describe("hints", () => {
  test("a hint is written once, and goes with its last field", () => {
    const owner = (workflow: Workflow) => ({
      fields: stepOf(workflow, "merge")!.item.fields,
      path: stepOf(workflow, "merge")!.item.path,
    });
    const set = (value: number | undefined) => (workflow: Workflow) =>
      edits.setHint(workflow.place.value, owner(workflow), "mlcraft:Task", { retries: value });
    const once = edited(MAPS, set(3));
    expect(once).toContain("hints:\n        - class: mlcraft:Task\n          retries: 3\n");
    expect(difference(once, edited(once, set(4)))).toEqual({
      gone: ["          retries: 3"],
      come: ["          retries: 4"],
    });
    expect(edited(once, set(undefined))).not.toContain("mlcraft:Task");
  });

  test("data versions follow a renamed output", () => {
    const text = `${MAPS}hints:\n- class: mlcraft:Data\n  outputs:\n  - {output: report, to: data/report}\n`;
    expect(edited(text, (workflow) => edits.rename(workflow, "output:report", "result"))).toContain(
      "{output: result, to: data/report}",
    );
  });
});

describe("problems", () => {
  const said = (text: string) => findProblems(workflowOf(Document.open(text))).map((one) => one.message);

  test("none where all is well", () => expect(said(MAPS)).toEqual([]));

  test("each in a sentence", () => {
    expect(said(MAPS.replace("count/counts", "count/words"))).toEqual([
      "Step merge takes parts from count/words, which does not exist.",
    ]);
    expect(said(MAPS.replace("            parts: count/counts", "            name: top"))).toEqual([
      "Step merge takes name as string?, and top gives int?.",
      "Step merge needs a value for parts (File[]).",
    ]);
    expect(said(MAPS.replace("        scatter: text\n", ""))).toContain(
      "Step count takes text as File, and texts gives File[]: scatter over text to run it for each item.",
    );
    expect(said(LISTS.replace("- id: merge # the last", "- id: count"))).toContain("There are two steps called count.");
  });

  test("a circle is named", () => {
    const circle = MAPS.replace("in: {text: texts}", "in: {text: merge/report}").replace("        scatter: text\n", "");
    expect(said(circle)).toContain("These steps wait for each other: count → merge → count.");
  });
});

test("a step that retrieves has to be given something to retrieve", () => {
  const text = (ins: string) => `cwlVersion: v1.2
class: Workflow
inputs: {address: string}
outputs: []
steps:
- id: retrieve
  run: retrieve.cwl
  in: ${ins}
  out: [data]
`;
  const said = (ins: string) => findProblems(workflowOf(Document.open(text(ins)))).map((one) => one.message);
  const sentence = "Step retrieve has nothing to retrieve: give it a source, sources or files.";
  expect(said("[]")).toEqual([sentence]);
  expect(said("[{id: source, default: ''}]")).toEqual([sentence]);
  expect(said("[{id: source, default: 'sklearn:iris'}]")).toEqual([]);
  expect(said("[{id: source, source: address}]")).toEqual([]);
});
