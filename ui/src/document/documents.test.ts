/** Every document there is: the shipped ones, and those of the conformance suite in the folder MLCRAFT_CWL_SUITE. */
import { readdirSync, readFileSync, existsSync } from "node:fs";
import { join, dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { Document } from "./document";
import { graphOf } from "./graph";
import { type Library, type Workflow, readWorkflow } from "./workflow";
import { faceOf, mainPath } from "./process";
import * as edits from "./edits";
import { errorByNode, findProblems } from "./problems";
import { type Fields, type Value, at, isFields, text } from "./value";

const SHIPPED = fileURLToPath(new URL("../../../cwl", import.meta.url));
/** MLCRAFT_EDITS asks for more of them. */
const ROUNDS = Number(process.env["MLCRAFT_EDITS"] ?? 3);
const SUITE = process.env["MLCRAFT_CWL_SUITE"] ? join(process.env["MLCRAFT_CWL_SUITE"], "tests") : undefined;

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(cwl|json|yml|yaml)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

interface Opened {
  path: string;
  text: string;
  document: Document;
}

const opened = [SHIPPED, ...(SUITE && existsSync(SUITE) ? [SUITE] : [])].flatMap(files).map((path): Opened => {
  const text = readFileSync(path, "utf-8");
  return { path, text, document: Document.open(text) };
});

const library: Library = {
  find(from, run) {
    const [file, fragment] = run.split("#");
    const path = join(dirname(from), file!);
    const found = opened.find((one) => one.path === path);
    if (!found || found.document.broken) return undefined;
    const value = found.document.value;
    const process = fragment ? packed(value, fragment) : mainPath(value);
    const fields = process && at(value, process);
    return process && isFields(fields) ? { path, face: faceOf(fields), value, process } : undefined;
  },
};

function packed(value: Value, id: string) {
  const graph = isFields(value) ? value["$graph"] : undefined;
  const index = Array.isArray(graph)
    ? graph.findIndex((one) => isFields(one) && text(one["id"]).replace("#", "") === id)
    : -1;
  return index < 0 ? undefined : (["$graph", index] as const);
}

function workflowOf(path: string, document: Document): Workflow | undefined {
  const process = mainPath(document.value);
  return process && readWorkflow({ value: document.value, document: path, process, library });
}

const workflows = opened.flatMap((one) => {
  const isOne = !one.document.broken && workflowOf(one.path, one.document);
  return isOne
    ? [{ ...one, name: relative(SUITE && one.path.startsWith(SUITE) ? SUITE : SHIPPED, one.path), workflow: isOne }]
    : [];
});

test("there are documents", () => {
  expect(workflows.length).toBeGreaterThanOrEqual(SUITE ? 140 : 6);
  const declared = opened.filter((one) => one.path.endsWith(".cwl") && /^\s*"?class"?: *"?Workflow/m.test(one.text));
  const unread = declared.filter((one) => one.document.broken);
  expect(unread.map((one) => one.path)).toEqual([]);
});

/** The least that differs, as two texts. */
function differences(before: string, after: Document): string[] {
  let shift = 0;
  return after.parts.map(({ from, to, insert }) => {
    expect(after.text.slice(from + shift, from + shift + insert.length)).toBe(insert);
    shift += insert.length - (to - from);
    return before.slice(from, to);
  });
}

describe.each(workflows)("$name", ({ path, text, document, workflow }) => {
  test("opens and is saved as it was", () => {
    expect(document.text).toBe(text);
    expect(document.change([]).text).toBe(text);
    const graph = graphOf(workflow, errorByNode(findProblems(workflow)));
    expect(graph.nodes).toHaveLength(workflow.inputs.length + workflow.outputs.length + workflow.steps.length);
    expect(
      workflow.steps.length + Number(!isFields(workflow.fields["steps"]) && !Array.isArray(workflow.fields["steps"])),
    ).toBeGreaterThanOrEqual(0);
  });

  test("a moved step changes its two numbers", () => {
    for (const step of workflow.steps) {
      const key = `step:${step.id}`;
      const placed = document.change(edits.move(workflow, [{ key, position: { x: 10, y: 20 } }]));
      expect(placed.holds).toBe(true);
      const again = workflowOf(path, placed)!;
      const moved = placed.change(edits.move(again, [{ key, position: { x: -351, y: 472 } }]));
      expect(moved.holds).toBe(true);
      expect(differences(placed.text, moved).sort()).toEqual(["10", "20"]);
      expect(graphOf(workflowOf(path, moved)!).nodes.find((node) => node.key === key)!.position).toEqual({
        x: -351,
        y: 472,
      });
    }
  });

  test("edits keep what they do not mean", () => {
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const random = numbers(seed * 7919 + path.length);
      let now = document;
      for (let count = 0; count < 8; count++) {
        const current = workflowOf(path, now)!;
        const [name, changes] = someEdit(current, random);
        let after: Document;
        try {
          after = now.change(changes);
        } catch (error) {
          throw new Error(`${name} in ${path}:\n${now.text}`, { cause: error });
        }
        if (!after.holds)
          throw new Error(
            `${name} ${JSON.stringify(changes, null, 1)} in ${path}:\n${now.text}\n--- became\n${after.text}\n${after.source.broken?.message}`,
          );
        for (const part of lost(now.text, after)) expect(after.text).toContain(part);
        now = after;
      }
    }
  });
});

/** Remarks stand where they stood, unless what they stand in has been taken away. */
function lost(before: string, after: Document): string[] {
  const remarks = [...before.matchAll(/(?<=^|\s)#\s.*$/gm)];
  return remarks
    .filter(({ index, 0: remark }) => !after.parts.some((part) => part.from < index + remark.length && part.to > index))
    .map((match) => match[0]);
}

function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function someEdit(workflow: Workflow, random: (below: number) => number): [string, ReturnType<typeof edits.move>] {
  const pick = <T>(all: readonly T[]): T | undefined => all[random(all.length)];
  const step = pick(workflow.steps);
  const input = pick(workflow.inputs);
  const output = pick(workflow.outputs);
  const port = step && pick(step.links)?.item.id;
  const fields: Fields = step?.item.fields ?? {};
  switch (random(14)) {
    case 0:
      return [
        "add step",
        edits.addStep(workflow, {
          id: `added_${random(1e6)}`,
          run: "a.cwl",
          face: undefined,
          position: { x: 1, y: 2 },
        }),
      ];
    case 1:
      return [
        "add input",
        edits.addInput(workflow, `given_${random(1e6)}`, { type: "File[]?", doc: "It's: a\ntext # no remark" }),
      ];
    case 2:
      return [
        "add output",
        edits.addOutput(
          workflow,
          `result_${random(1e6)}`,
          { type: "File", outputSource: input ? [input.id] : [] },
          { x: 3, y: 4 },
        ),
      ];
    case 3:
      return ["rename step", step ? edits.rename(workflow, `step:${step.id}`, `named_${random(1e6)}`) : []];
    case 4:
      return ["rename input", input ? edits.rename(workflow, `input:${input.id}`, `input_${random(1e6)}`) : []];
    case 5:
      return [
        "rename output",
        output ? edits.rename(workflow, `output:${output.item.id}`, `output_${random(1e6)}`) : [],
      ];
    case 6:
      return [
        "connect",
        step && input
          ? edits.connect(
              workflow,
              { step: "", port: input.id },
              { step: step.id, port: port ?? "new" },
              random(2) === 0,
            )
          : [],
      ];
    case 7: {
      const link = step && pick(step.links);
      const source = link && pick(link.sources);
      return ["disconnect", source ? edits.disconnect(workflow, source, { step: step.id, port: link.item.id }) : []];
    }
    case 8:
      return [
        "remove",
        edits.remove(workflow, [
          pick(
            [step && `step:${step.id}`, input && `input:${input.id}`, output && `output:${output.item.id}`].filter(
              (one) => one !== undefined,
            ),
          ) ?? "",
        ]),
      ];
    case 9:
      return ["when", step ? edits.setWhen(workflow, step, random(2) ? "$(inputs.go === true)" : "") : []];
    case 10:
      return [
        "valueFrom",
        step && port
          ? edits.setLinkFields(workflow, step, port, {
              valueFrom: "$(self.length + 1)",
              default: random(2) ? 3 : undefined,
            })
          : [],
      ];
    case 11:
      return ["scatter", step && port ? edits.setScatter(workflow, step, random(2) ? [port] : [], "") : []];
    case 12: {
      const owner =
        step && isFields(step.item.value)
          ? { fields, path: step.item.path }
          : { fields: workflow.fields, path: workflow.place.process };
      return [
        "hint",
        edits.setHint(
          workflow.place.value,
          owner,
          "mlcraft:Task",
          random(2) ? { retries: random(9), pool: "a b" } : { retries: undefined, pool: undefined },
        ),
      ];
    }
    default: {
      const clip = edits.copy(
        workflow,
        [step && `step:${step.id}`, input && `input:${input.id}`].filter((one) => one !== undefined),
      );
      return ["paste", edits.paste(workflow, clip, { x: 30, y: 30 }).changes];
    }
  }
}
