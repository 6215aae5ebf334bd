/** The form of a step. */
import * as edits from "../../document/edits";
import { runName } from "../../document/process";
import { text } from "../../document/value";
import type { StepModel, Workflow } from "../../document/workflow";
import { Button, IconButton, Section } from "../../look/widgets";
import { Hints } from "../Hints";
import { Findings } from "./Findings";
import { FormHead } from "./FormHead";
import { ScatterAndCondition } from "./ScatterAndCondition";
import { NameFields } from "./NameFields";
import { PortCard } from "./PortCard";
import type { InspectorProps } from "./props";
import { StepOutputs } from "./StepOutputs";

export function StepForm({
  session,
  state,
  workflow,
  step,
  schema,
  onOpen,
  onConnect,
  nextPlace,
}: InspectorProps & { workflow: Workflow; step: StepModel }) {
  const { editable } = state;
  const key = `step:${step.id}`;
  const fields = step.item.fields;
  const ports = [
    ...(step.face?.inputs.map((one) => one.id) ?? []),
    ...step.links.map((one) => one.item.id).filter((id) => !step.face?.inputs.some((one) => one.id === id)),
  ];
  const target = step.found && !step.found.path.startsWith("shipped:") ? step.found.path : undefined;
  return (
    <aside className="inspector" aria-label={`Step ${step.id}`}>
      <FormHead kind={step.face?.kind || "Step"} name={text(fields["label"]) || step.id}>
        {editable && <IconButton name="Connect… (c)" icon="link" onClick={onConnect} />}
        {editable && (
          <IconButton
            name="Remove the step"
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
          id={step.id}
          fields={fields}
          main="run"
          path={step.item.path}
        />
        <div className="row">
          <span className="row-title">Runs</span>
          <div className="buttons">
            <code className="runs">{runName(step.run) || "nothing yet"}</code>
            {target && (
              <Button icon="edit" onClick={() => onOpen(target)}>
                Open
              </Button>
            )}
          </div>
          {step.face?.doc && <p className="row-hint">{step.face.doc}</p>}
        </div>
      </div>
      <Section title="Inputs" aside={ports.length}>
        <ul className="links">
          {ports.map((port) => (
            <PortCard
              key={port}
              session={session}
              workflow={workflow}
              step={step}
              port={port}
              editable={editable}
              nextPlace={nextPlace}
            />
          ))}
        </ul>
      </Section>
      <StepOutputs session={session} workflow={workflow} step={step} editable={editable} nextPlace={nextPlace} />
      <ScatterAndCondition session={session} step={step} editable={editable} />
      <Hints
        session={session}
        state={state}
        schema={schema}
        place="step"
        owner={{ fields, path: step.item.path }}
        kind={step.face?.hint ?? ""}
      />
    </aside>
  );
}
