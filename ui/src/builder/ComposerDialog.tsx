/** The document in the form that Rabix Composer opens: what it would be, and what cannot be said in it. */
import { useEffect, useState } from "react";
import { ask } from "../api/fetch";
import type { Problem } from "../api/types";
import { Dialog } from "../look/Dialog";
import { Button, Notice, Spinner } from "../look/widgets";

interface Form {
  files: Record<string, string>;
  problems: (Problem | string)[];
}

export function ComposerDialog({ path, text, onTake, onClose }: { path: string; text: string; onTake(text: string): void; onClose(): void }) {
  const [form, setForm] = useState<Form>();
  const [error, setError] = useState("");
  useEffect(() => {
    ask<Form>("api/composer-form", { json: { path, text } }).then(setForm, (problem: Error) => setError(problem.message));
  }, [path, text]);
  const main = form && (form.files[path] ?? form.files[path.slice(path.lastIndexOf("/") + 1)] ?? Object.values(form.files)[0]);
  const others = form ? Object.keys(form.files).filter((name) => form.files[name] !== main) : [];
  return (
    <Dialog wide title="Composer form" onClose={onClose}
      actions={<><Button onClick={onClose}>Cancel</Button><Button look="main" disabled={!main || main === text} onClick={() => main && onTake(main)}>{main === text ? "It is in Composer form" : "Put it in Composer form"}</Button></>}>
      <p className="dialog-text">Rabix Composer opens v1.0 documents written as lists, with a position for everything. The document becomes one; undo brings it back.</p>
      {error && <Notice kind="bad" title="It cannot be put in Composer form">{error}</Notice>}
      {!form && !error && <Spinner>Converting…</Spinner>}
      {form && form.problems.length > 0 && (
        <Notice kind="warn" title="Composer cannot say this">
          <ul className="plain">{form.problems.map((one, index) => <li key={index}>{typeof one === "string" ? one : one.message}</li>)}</ul>
        </Notice>
      )}
      {others.length > 0 && <p className="dialog-text">What it runs needs to be in Composer form too: {others.join(", ")}.</p>}
      {main && <pre className="code composer-text" tabIndex={0}>{main}</pre>}
    </Dialog>
  );
}
