/** Fields of a step's scatter and condition. */
import * as edits from "../../document/edits";
import type { Change } from "../../document/value";
import { type StepModel, type Workflow, stepOf } from "../../document/workflow";
import { Section } from "../../look/widgets";
import { type Choice, SelectField, TextField } from "../fields";
import type { Session } from "../session";

const METHODS: Choice[] = [
  { value: "dotproduct", label: "first with first, second with second (dotproduct)" },
  { value: "flat_crossproduct", label: "each with each, one list (flat_crossproduct)" },
  { value: "nested_crossproduct", label: "each with each, lists of lists (nested_crossproduct)" },
];

export function ScatterAndCondition({
  session,
  step,
  editable,
}: {
  session: Session;
  step: StepModel;
  editable: boolean;
}) {
  const edit = (make: (now: Workflow, step: StepModel) => Change[]) =>
    session.edit((now) => {
      const current = stepOf(now, step.id);
      return current ? make(now, current) : [];
    });
  return (
    <Section title="Scatter and condition" open={step.scatter.length > 0 || step.when !== ""}>
      <p className="row-hint">A scatter runs the step for each item of a list. Tick the inputs:</p>
      <div className="ticks">
        {step.links.map(({ item }) => (
          <label key={item.id} className="tick">
            <input
              type="checkbox"
              disabled={!editable}
              checked={step.scatter.includes(item.id)}
              onChange={(event) =>
                edit((now, current) =>
                  edits.setScatter(
                    now,
                    current,
                    event.target.checked
                      ? [...current.scatter, item.id]
                      : current.scatter.filter((one) => one !== item.id),
                    current.scatterMethod,
                  ),
                )
              }
            />
            {item.id}
          </label>
        ))}
      </div>
      {step.scatter.length > 1 && (
        <SelectField
          label="Several lists"
          disabled={!editable}
          value={step.scatterMethod}
          choices={METHODS}
          onChange={(method) => edit((now, current) => edits.setScatter(now, current, current.scatter, method))}
        />
      )}
      <TextField
        label="Runs only when"
        mono
        disabled={!editable}
        value={step.when}
        placeholder="$(inputs.go)"
        check={expressionFlaw}
        hint="An expression of this step's inputs; without it, the step always runs."
        onChange={(typed) => edit((now, current) => edits.setWhen(now, current, typed.trim()))}
      />
    </Section>
  );
}

function expressionFlaw(typed: string): string | undefined {
  if (!typed.trim() || /\$[({]/.test(typed)) return undefined;
  return "An expression is needed, such as $(inputs.count > 3).";
}
