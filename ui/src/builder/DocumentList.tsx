/** The list of all documents of the folder, to open one or create another. */
import { useMemo, useState } from "react";
import type { DocumentEntry, Me } from "../api/types";
import { Icon, type IconName } from "../look/Icon";
import { Button, Notice } from "../look/widgets";
import { PathDialog } from "./dialogs";
import { draftPaths } from "./drafts";
import type { DocumentLibrary } from "./library";

const ICONS: Record<string, IconName> = { Workflow: "workflow", ExpressionTool: "expression", Operation: "operation" };

export function DocumentList({
  about,
  library,
  onOpen,
}: {
  about: Me;
  library: DocumentLibrary;
  onOpen: (path: string, fresh?: "workflow" | "tool") => void;
}) {
  const [words, setWords] = useState("");
  const [making, setMaking] = useState<"workflow" | "tool">();
  const drafts = useMemo(() => draftPaths(), []);
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const found = library.entries.filter((entry) =>
    wanted.every((word) => `${entry.label ?? ""} ${entry.path} ${entry.doc ?? ""}`.toLowerCase().includes(word)),
  );
  const groups: [string, DocumentEntry[]][] = [
    ["Workflows", found.filter((one) => one.class === "Workflow" && one.origin !== "shipped")],
    ["Tools", found.filter((one) => one.class !== "Workflow" && one.origin !== "shipped")],
    ["Shipped with MLcraft", found.filter((one) => one.origin === "shipped")],
  ];
  const lost = drafts.filter((path) => !library.entry(path));
  const can = about.can_edit && about.writable;
  return (
    <main className="start">
      <header>
        <div>
          <h1>Workflows</h1>
          <p>
            Each document below becomes a DAG. Folder: <code>{about.folder}</code>
          </p>
        </div>
        <label className="start-search">
          <Icon name="search" size={14} />
          <span className="hidden-text">Search documents</span>
          <input
            className="field"
            type="search"
            placeholder="Search documents"
            value={words}
            onChange={(event) => setWords(event.target.value)}
          />
        </label>
        {can && (
          <Button icon="plus" onClick={() => setMaking("tool")}>
            New tool
          </Button>
        )}
        {can && (
          <Button icon="plus" look="main" onClick={() => setMaking("workflow")}>
            New workflow
          </Button>
        )}
      </header>
      {!about.can_edit && (
        <Notice title="You may look, and not change">
          Ask for the permission to edit DAGs if you want to build workflows.
        </Notice>
      )}
      {about.can_edit && !about.writable && (
        <Notice kind="warn" title="The folder cannot be written to">
          {about.why_not || "Ask who runs Airflow to make it writable; you can look at everything, and export it."}
        </Notice>
      )}
      {lost.length > 0 && (
        <section aria-label="Not saved yet">
          <h2>Not saved yet</h2>
          <ul className="cards">
            {lost.map((path) => (
              <li key={path}>
                <button type="button" className="card" onClick={() => onOpen(path, "workflow")}>
                  <span className="card-icon">
                    <Icon name="edit" />
                  </span>
                  <strong>{path}</strong>
                  <small>kept by this browser alone</small>
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
      {groups.map(
        ([title, entries]) =>
          entries.length > 0 && (
            <section key={title} aria-label={title}>
              <h2>
                {title}
                <small>{entries.length}</small>
              </h2>
              <ul className="cards">
                {entries.map((entry) => (
                  <li key={entry.path}>
                    <button
                      type="button"
                      className={`card ${entry.error ? "card-wrong" : ""}`}
                      onClick={() => onOpen(entry.path)}
                    >
                      <span className="card-icon">
                        <Icon name={entry.error ? "warning" : (ICONS[entry.class] ?? "tool")} />
                      </span>
                      <strong>{entry.label || entry.name}</strong>
                      <code>{entry.path.replace(/^shipped:/, "")}</code>
                      <small>{entry.error ?? entry.doc}</small>
                      {drafts.includes(entry.path) && <em>unsaved changes</em>}
                    </button>
                  </li>
                ))}
              </ul>
            </section>
          ),
      )}
      {found.length === 0 && (
        <p className="start-none">
          {words ? `Nothing is called “${words}”.` : "There are no documents yet: make the first one."}
        </p>
      )}
      {making && (
        <PathDialog
          title={making === "workflow" ? "A new workflow" : "A new tool"}
          action="Create"
          path={freePath(making, library)}
          taken={library.entries.map((one) => one.path)}
          onClose={() => setMaking(undefined)}
          onDone={(path) => onOpen(path, making)}
        />
      )}
    </main>
  );
}

export function freePath(kind: "workflow" | "tool", library: DocumentLibrary): string {
  const folder = library.entries.some((one) => one.path.startsWith(`${kind}s/`)) ? `${kind}s/` : "";
  for (let number = 1; ; number++) {
    const path = `${folder}new_${kind}${number > 1 ? `_${number}` : ""}.cwl`;
    if (!library.entry(path)) return path;
  }
}
