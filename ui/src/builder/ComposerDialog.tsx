/** The document in the form that Rabix Composer opens, and the parts that this form cannot express. */
import { useEffect, useState } from "react";
import { saveDocument } from "../api/documents";
import { ApiError, request } from "../api/fetch";
import type { Problem } from "../api/types";
import { Dialog } from "../look/Dialog";
import { Button, Notice, Spinner } from "../look/widgets";

interface Form {
  /** The document itself comes first. */
  files: Record<string, string>;
  problems: (Problem | string)[];
}

/** The tools of a form are new files beside the document; an existing one with the same text is no conflict. */
async function saveTools(path: string, tools: [string, string][]) {
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  for (const [name, text] of tools) {
    try {
      await saveDocument(folder + name, text, null);
    } catch (problem) {
      const there =
        problem instanceof ApiError && problem.status === 409 ? (problem.body as { text?: string }).text : undefined;
      if (there !== text)
        throw there === undefined
          ? problem
          : new Error(`${folder + name} is another document already; rename this one or that.`);
    }
  }
}

export function ComposerDialog({
  path,
  text,
  onTake,
  onClose,
}: {
  path: string;
  text: string;
  onTake: (text: string) => void;
  onClose: () => void;
}) {
  const [form, setForm] = useState<Form>();
  const [error, setError] = useState("");
  useEffect(() => {
    request<Form>("api/composer-form", { json: { path, text } }).then(setForm, (problem: Error) =>
      setError(problem.message),
    );
  }, [path, text]);
  const [[, main] = [], ...others] = Object.entries(form?.files ?? {});
  const [saving, setSaving] = useState(false);
  const take = () => {
    if (!main) return;
    setSaving(true);
    saveTools(path, others)
      .then(
        () => onTake(main),
        (problem: Error) => setError(problem.message),
      )
      .finally(() => setSaving(false));
  };
  return (
    <Dialog
      wide
      title="Composer form"
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="main" disabled={!main || main === text || saving} onClick={take}>
            {main === text ? "It is in Composer form" : "Put it in Composer form"}
          </Button>
        </>
      }
    >
      <p className="dialog-text">
        Rabix Composer opens v1.0 documents written as lists, with a position for everything. The document becomes one;
        undo brings it back.
      </p>
      {error && (
        <Notice kind="bad" title="It cannot be put in Composer form">
          {error}
        </Notice>
      )}
      {!form && !error && <Spinner>Converting…</Spinner>}
      {form && form.problems.length > 0 && (
        <Notice kind="warn" title="Composer cannot say this">
          <ul className="plain">
            {form.problems.map((one, index) => (
              <li key={index}>{typeof one === "string" ? one : one.message}</li>
            ))}
          </ul>
        </Notice>
      )}
      {others.length > 0 && (
        <p className="dialog-text">
          Composer wants a file for each tool. These are saved with it: {others.map(([name]) => name).join(", ")}.
        </p>
      )}
      {main && (
        <pre className="code composer-text" tabIndex={0} role="region" aria-label="The document in Composer form">
          {main}
        </pre>
      )}
    </Dialog>
  );
}
