/** Fields for name, label and description, which steps, inputs and outputs share. */
import * as edits from "../../document/edits";
import { parseKey } from "../../document/graph";
import { nameError } from "../../document/items";
import { docText } from "../../document/process";
import { type Fields, type Path, text } from "../../document/value";
import { TextField } from "../fields";
import type { Session, State } from "../session";

export function NameFields({
  session,
  state,
  keyOf,
  id,
  fields,
  main,
  path,
}: {
  session: Session;
  state: State;
  keyOf: string;
  id: string;
  fields: Fields;
  main: string;
  path: Path;
}) {
  const { workflow, editable } = state;
  if (!workflow) return null;
  const kind = parseKey(keyOf)!.kind;
  const taken =
    kind === "step"
      ? workflow.steps.map((one) => one.id)
      : kind === "input"
        ? workflow.inputs.map((one) => one.id)
        : workflow.outputs.map((one) => one.item.id);
  const set = (key: string, value: string) =>
    session.edit((now) => {
      const item = edits.itemOfKey(now, keyOf);
      return item ? edits.setFields(item, main, { [key]: value || undefined }) : [];
    });
  return (
    <>
      <TextField
        label="Name"
        mono
        disabled={!editable}
        value={id}
        check={(typed) =>
          nameError(typed) ??
          (taken.includes(typed) && typed !== id ? `There is another ${kind} called ${typed}.` : undefined)
        }
        onChange={(typed) => session.edit((now) => edits.rename(now, keyOf, typed), [`${kind}:${typed}`])}
      />
      <TextField
        label="Label"
        disabled={!editable}
        value={text(fields["label"])}
        placeholder={id}
        onChange={(typed) => set("label", typed)}
      />
      <TextField
        label="Description"
        lines={2}
        disabled={!editable}
        value={docText(fields["doc"])}
        onChange={(typed) => set("doc", typed)}
        key={path.join("/")}
      />
    </>
  );
}
