/** The form that starts a run: one field for each input of the workflow. */
import { type FormEvent, useMemo, useState } from "react";
import type { CwlFile, RunInput } from "../api/types";
import { Dialog } from "../look/Dialog";
import { Button, Notice } from "../look/widgets";
import { RunField } from "./RunField";
import { type Answer, BadAnswer, fieldOf, defaultAnswer, valueOf } from "./run_form";
import "./run_form.css";

export interface RunDialogProps {
  title: string;
  inputs: readonly (RunInput & { optional?: boolean })[];
  /** Upload a file of this computer into the store. */
  onUpload: (file: File) => Promise<CwlFile>;
  /** Start the run; failures are thrown as errors with a message. */
  onRun: (conf: Record<string, unknown>) => Promise<void>;
  onClose: () => void;
}

export function RunDialog({ title, inputs, onUpload, onRun, onClose }: RunDialogProps) {
  const fields = useMemo(() => inputs.map(fieldOf), [inputs]);
  const [answers, setAnswers] = useState<Record<string, Answer>>(() =>
    Object.fromEntries(fields.map((each) => [each.id, defaultAnswer(each)])),
  );
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const [trouble, setTrouble] = useState("");
  const [busy, setBusy] = useState(false);

  async function submit(event: FormEvent) {
    event.preventDefault();
    const conf: Record<string, unknown> = {};
    const found: Record<string, string> = {};
    for (const field of fields) {
      try {
        const value = valueOf(field, answers[field.id]!);
        if (value !== undefined) conf[field.id] = value;
      } catch (error) {
        if (!(error instanceof BadAnswer)) throw error;
        found[field.id] = error.message;
      }
    }
    setWrong(found);
    const first = Object.keys(found)[0];
    if (first !== undefined) {
      document.getElementById(`run-${first}`)?.focus();
      return;
    }
    setBusy(true);
    setTrouble("");
    try {
      await onRun(conf);
    } catch (error) {
      setTrouble((error as Error).message);
      setBusy(false);
    }
  }

  return (
    <Dialog
      title={`Run ${title}`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="main" icon="play" type="submit" form="run-form" disabled={busy}>
            {busy ? "Starting…" : "Run"}
          </Button>
        </>
      }
    >
      <form id="run-form" className="run-form" onSubmit={(event) => void submit(event)} noValidate>
        {trouble && (
          <Notice kind="bad" title="The run was not started">
            {trouble}
          </Notice>
        )}
        {fields.length === 0 && <p>This workflow needs no input.</p>}
        {fields.map((field) => (
          <RunField
            key={field.id}
            field={field}
            answer={answers[field.id]!}
            wrong={wrong[field.id]}
            onUpload={onUpload}
            onAnswer={(answer) => setAnswers((before) => ({ ...before, [field.id]: answer }))}
          />
        ))}
      </form>
    </Dialog>
  );
}
