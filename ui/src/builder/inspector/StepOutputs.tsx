/** The outputs of a step, and which of them are outputs of the workflow. */
import * as edits from "../../document/edits";
import { formatType } from "../../document/types";
import { type StepModel, type Workflow, outputType } from "../../document/workflow";
import { Button, Section } from "../../look/widgets";
import type { Session } from "../session";
import type { InspectorProps } from "./props";

export function StepOutputs({
  session,
  workflow,
  step,
  editable,
  nextPlace,
}: {
  session: Session;
  workflow: Workflow;
  step: StepModel;
  editable: boolean;
  nextPlace: InspectorProps["nextPlace"];
}) {
  return (
    <Section title="Outputs" aside={step.face?.outputs.length ?? step.out.length} open={false}>
      <ul className="links">
        {(step.face?.outputs ?? []).map((port) => {
          const used = workflow.outputs.some((one) =>
            one.sources.some((source) => source.step === step.id && source.port === port.id),
          );
          return (
            <li key={port.id} className="port-card">
              <div className="port-card-head">
                <span className="port-card-name" title={port.doc}>
                  {port.id}
                  <small>{formatType(outputType(step, port.id))}</small>
                </span>
                {editable && !used && (
                  <Button
                    onClick={() =>
                      session.edit((now) => edits.addOutputFor(now, step.id, port.id, nextPlace("output")))
                    }
                  >
                    Make an output
                  </Button>
                )}
              </div>
            </li>
          );
        })}
      </ul>
    </Section>
  );
}
