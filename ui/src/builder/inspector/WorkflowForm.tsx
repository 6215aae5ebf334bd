/** The form of the workflow itself. */
import * as edits from "../../document/edits";
import { freeName } from "../../document/items";
import { docText } from "../../document/process";
import { readType, formatType } from "../../document/types";
import { type Value, text } from "../../document/value";
import type { Workflow } from "../../document/workflow";
import { Button, Section } from "../../look/widgets";
import { SelectField, TextField } from "../fields";
import { Hints } from "../Hints";
import type { Session } from "../session";
import { FormHead } from "./FormHead";
import type { InspectorProps } from "./props";

export function WorkflowForm({ session, state, workflow, schema, nextPlace }: InspectorProps & { workflow: Workflow }) {
  const { editable } = state;
  const { fields } = workflow;
  const path = workflow.place.process;
  const set = (key: string, value: Value | undefined) =>
    session.edit(() =>
      value === undefined
        ? key in fields
          ? [{ do: "delete", path: [...path, key] }]
          : []
        : [{ do: "set", path: [...path, key], value, after: ["cwlVersion", "class", "id", "label"] }],
    );
  const add = (kind: "input" | "output") => {
    const id = freeName(kind, edits.idsOf(workflow));
    const place = nextPlace(kind);
    session.edit(
      (now) =>
        kind === "input"
          ? edits.addInput(now, id, { type: "File" }, place)
          : edits.addOutput(now, id, { type: "File" }, place),
      [`${kind}:${id}`],
    );
  };
  const older = workflow.version !== "v1.2";
  return (
    <aside className="inspector" aria-label="Workflow">
      <FormHead kind={`Workflow ${workflow.version}`} name={text(fields["label"]) || state.path} />
      <div className="inspector-pad">
        <TextField
          label="Label"
          disabled={!editable}
          value={text(fields["label"])}
          onChange={(typed) => set("label", typed || undefined)}
          hint="What the DAG is called in Airflow."
        />
        <TextField
          label="Description"
          lines={3}
          disabled={!editable}
          value={docText(fields["doc"])}
          onChange={(typed) => set("doc", typed || undefined)}
        />
        <SelectField
          label="CWL version"
          disabled={!editable}
          value={workflow.version}
          choices={["v1.0", "v1.1", "v1.2"].map((value) => ({ value, label: value }))}
          hint={older ? "Conditions and picked values need v1.2." : undefined}
          onChange={(value) => session.change(() => [{ do: "set", path: ["cwlVersion"], value }])}
        />
      </div>
      <Section title="Inputs" aside={workflow.inputs.length}>
        <Listed
          session={session}
          kind="input"
          names={workflow.inputs.map((one) => [one.id, formatType(readType(one.fields["type"]))])}
        />
        {editable && (
          <Button icon="plus" onClick={() => add("input")}>
            Add an input
          </Button>
        )}
      </Section>
      <Section title="Outputs" aside={workflow.outputs.length}>
        <Listed
          session={session}
          kind="output"
          names={workflow.outputs.map((one) => [one.item.id, formatType(readType(one.item.fields["type"]))])}
        />
        {editable && (
          <Button icon="plus" onClick={() => add("output")}>
            Add an output
          </Button>
        )}
      </Section>
      <Hints session={session} state={state} schema={schema} place="workflow" owner={{ fields, path }} kind="" />
    </aside>
  );
}

function Listed({ session, kind, names }: { session: Session; kind: string; names: [string, string][] }) {
  return (
    <ul className="listed">
      {names.map(([id, type]) => (
        <li key={id}>
          <button type="button" onClick={() => session.select(new Set([`${kind}:${id}`]))}>
            <span>{id}</span>
            <code>{type}</code>
          </button>
        </li>
      ))}
    </ul>
  );
}
