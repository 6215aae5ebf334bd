/** The form of an input of the workflow. */
import * as edits from "../../document/edits";
import { readType, formatType } from "../../document/types";
import { type Value, list, text } from "../../document/value";
import type { Workflow } from "../../document/workflow";
import { IconButton } from "../../look/widgets";
import { TextField, TypeField, ValueField } from "../fields";
import { Findings } from "./Findings";
import { FormHead } from "./FormHead";
import { NameFields } from "./NameFields";
import type { InspectorProps } from "./props";

export function InputForm({ session, state, workflow, id }: InspectorProps & { workflow: Workflow; id: string }) {
  const item = workflow.inputs.find((one) => one.id === id);
  if (!item) return null;
  const key = `input:${id}`;
  const { editable } = state;
  const set = (values: { [name: string]: Value | undefined }) =>
    session.edit((now) => {
      const current = edits.itemOfKey(now, key);
      return current ? edits.setFields(current, "type", values) : [];
    });
  return (
    <aside className="inspector" aria-label={`Input ${id}`}>
      <FormHead kind="Input" name={text(item.fields["label"]) || id}>
        {editable && (
          <IconButton
            name="Remove the input"
            icon="trash"
            onClick={() => session.edit((now) => edits.remove(now, [key]), [])}
          />
        )}
      </FormHead>
      <div className="inspector-pad">
        <Findings state={state} of={key} />
        <NameFields
          session={session}
          state={state}
          keyOf={key}
          id={id}
          fields={item.fields}
          main="type"
          path={item.path}
        />
        <TypeField value={item.fields["type"]} disabled={!editable} onChange={(type) => set({ type })} />
        <ValueField
          label="Default"
          disabled={!editable}
          value={item.fields["default"]}
          type={readType(item.fields["type"])}
          onChange={(value) => set({ default: value })}
          hint="What a run takes where nothing is given."
        />
        {/File/.test(formatType(readType(item.fields["type"]))) && (
          <TextField
            label="File format"
            mono
            disabled={!editable}
            value={list(item.fields["format"]).map(text).join(" ")}
            onChange={(typed) => set({ format: typed || undefined })}
          />
        )}
      </div>
    </aside>
  );
}
