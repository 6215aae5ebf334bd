/** The list of all that an input of a step, or an output of the workflow, may take its value from. */
import { memo, useDeferredValue, useMemo } from "react";
import { connectBy } from "../../document/connecting";
import * as edits from "../../document/edits";
import { readType } from "../../document/types";
import { type Workflow, linkOf, stepOf, inputType } from "../../document/workflow";
import { Options } from "../fields";
import type { Session } from "../session";
import type { InspectorProps } from "./props";
import { parseChoice, sourceChoices } from "./source_choices";

const NEW = "new";

/** `step` is "" for an output of the workflow. */
export function ConnectSelect({
  session,
  workflow,
  step,
  port,
  nextPlace,
}: {
  session: Session;
  workflow: Workflow;
  step: string;
  port: string;
  nextPlace: InspectorProps["nextPlace"];
}) {
  const to = { step, port };
  const take = (choice: string) =>
    session.edit((now) => {
      if (choice === NEW) return edits.addInputFor(now, step, port, nextPlace("input"));
      const { from, way } = parseChoice(choice);
      return step && way === "collect"
        ? connectBy(now, from, to, way)
        : edits.connect(now, from, to, way === "scatter");
    });
  return (
    <select
      className="from-select"
      aria-label={`Connect ${port}${step && ` of ${step}`}`}
      value=""
      onChange={(event) => take(event.target.value)}
    >
      <option value="" disabled>
        connect…
      </option>
      {step && <option value={NEW}>a new input</option>}
      {/* A moment late: in a large workflow there are hundreds, and no edit waits for them. */}
      <Sources workflow={useDeferredValue(workflow)} step={step} port={port} />
    </select>
  );
}

const Sources = memo(function Sources({
  workflow,
  step: id,
  port,
}: {
  workflow: Workflow;
  step: string;
  port: string;
}) {
  const choices = useMemo(() => {
    const step = id ? stepOf(workflow, id) : undefined;
    if (step) return sourceChoices(workflow, step, inputType(step, port), linkOf(step, port));
    const output = workflow.outputs.find((one) => one.item.id === port);
    return id || !output ? [] : sourceChoices(workflow, undefined, readType(output.item.fields["type"]), output);
  }, [workflow, id, port]);
  return <Options choices={choices} />;
});
