/** Forms for what is selected: a step, an input, an output, several of them, or the workflow itself. */
import "./inspector.css";
import { ofKey } from "../../document/graph";
import { stepOf } from "../../document/workflow";
import { InputForm } from "./InputForm";
import { OutputForm } from "./OutputForm";
import type { InspectorProps } from "./props";
import { Several } from "./Several";
import { StepForm } from "./StepForm";
import { WorkflowForm } from "./WorkflowForm";

export function Inspector(props: InspectorProps) {
  const { state } = props;
  const keys = [...state.selection].filter((key) => ofKey(key));
  const { workflow } = state;
  if (!workflow) return null;
  if (keys.length > 1) return <Several {...props} keys={keys} />;
  const named = keys[0] === undefined ? undefined : ofKey(keys[0]);
  const step = named?.kind === "step" ? stepOf(workflow, named.id) : undefined;
  if (step) return <StepForm key={keys[0]} {...props} workflow={workflow} step={step} />;
  if (named?.kind === "input") return <InputForm key={keys[0]} {...props} workflow={workflow} id={named.id} />;
  if (named?.kind === "output") return <OutputForm key={keys[0]} {...props} workflow={workflow} id={named.id} />;
  return <WorkflowForm {...props} workflow={workflow} />;
}
