/** Forms for what is selected: a step, an input, an output, several of them, or the workflow itself. */
import "./inspector.css";
import { parseKey } from "../../document/graph";
import { stepOf } from "../../document/workflow";
import { InputForm } from "./InputForm";
import { OutputForm } from "./OutputForm";
import type { InspectorProps } from "./props";
import { SelectionForm } from "./SelectionForm";
import { StepForm } from "./StepForm";
import { WorkflowForm } from "./WorkflowForm";

export function Inspector(props: InspectorProps) {
  const { state } = props;
  const keys = [...state.selection].filter((key) => parseKey(key));
  const { workflow } = state;
  if (!workflow) return null;
  if (keys.length > 1) return <SelectionForm {...props} keys={keys} />;
  const named = keys[0] === undefined ? undefined : parseKey(keys[0]);
  const step = named?.kind === "step" ? stepOf(workflow, named.id) : undefined;
  if (step) return <StepForm key={keys[0]} {...props} workflow={workflow} step={step} />;
  if (named?.kind === "input") return <InputForm key={keys[0]} {...props} workflow={workflow} id={named.id} />;
  if (named?.kind === "output") return <OutputForm key={keys[0]} {...props} workflow={workflow} id={named.id} />;
  return <WorkflowForm {...props} workflow={workflow} />;
}
