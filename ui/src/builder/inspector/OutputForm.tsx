/** The form of an output of the workflow. */
import * as edits from "../../document/edits";
import { type Value, text } from "../../document/value";
import type { Workflow } from "../../document/workflow";
import { Icon } from "../../look/Icon";
import { IconButton } from "../../look/widgets";
import { TypeField } from "../fields";
import { ConnectSelect } from "./ConnectSelect";
import { Findings } from "./Findings";
import { FormHead } from "./FormHead";
import { NameFields } from "./NameFields";
import type { InspectorProps } from "./props";
import { MergeFields } from "./MergeFields";

export function OutputForm({
  session,
  state,
  workflow,
  id,
  nextPlace,
}: InspectorProps & { workflow: Workflow; id: string }) {
  const link = workflow.outputs.find((one) => one.item.id === id);
  if (!link) return null;
  const key = `output:${id}`;
  const { editable } = state;
  const to = { step: "", port: id };
  const set = (values: { [name: string]: Value | undefined }) =>
    session.edit((now) => {
      const current = now.outputs.find((one) => one.item.id === id);
      return current ? edits.setOutputFields(now, current, values) : [];
    });
  return (
    <aside className="inspector" aria-label={`Output ${id}`}>
      <FormHead kind="Output" name={text(link.item.fields["label"]) || id}>
        {editable && (
          <IconButton
            name="Remove the output"
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
          fields={link.item.fields}
          main="type"
          path={link.item.path}
        />
        <TypeField value={link.item.fields["type"]} disabled={!editable} onChange={(value) => set({ type: value })} />
        <div className="row">
          <span className="row-title">Comes from</span>
          <div className="chips chips-plain">
            {link.sources.map((source) => {
              const name = source.step ? `${source.step}/${source.port}` : source.port;
              return (
                <span key={source.written} className="chip">
                  <span>{name}</span>
                  {editable && (
                    <button
                      type="button"
                      aria-label={`Disconnect ${name}`}
                      title="Disconnect"
                      onClick={() => session.edit((now) => edits.disconnect(now, source, to))}
                    >
                      <Icon name="close" size={11} />
                    </button>
                  )}
                </span>
              );
            })}
            {editable && (
              <ConnectSelect session={session} workflow={workflow} step="" port={id} nextPlace={nextPlace} />
            )}
          </div>
        </div>
        <MergeFields link={link} editable={editable} set={set} />
      </div>
    </aside>
  );
}
