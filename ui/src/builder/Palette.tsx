/** The palette of possible steps: the documents of the folder and the shipped tools. */
import { memo, useMemo, useState } from "react";
import type { DocumentEntry } from "../api/types";
import { DRAGGED } from "../graph";
import { Icon, type IconName } from "../look/Icon";
import { signatureOf } from "./library";
import "./palette.css";

export interface PaletteProps {
  documents: readonly DocumentEntry[];
  /** The document that is edited, which cannot be a step of itself. */
  current: string | undefined;
  disabled?: boolean;
  /** Called for Enter, or a click on the plus. */
  onAdd: (document: DocumentEntry) => void;
  /** Open it in the builder. */
  onOpen: (document: DocumentEntry) => void;
}

const GROUPS = ["Tools", "Workflows", "Shipped with MLcraft"];
const ICONS: Record<string, IconName> = { Workflow: "workflow", ExpressionTool: "expression", Operation: "operation" };

export const Palette = memo(function Palette({ documents, current, disabled = false, onAdd, onOpen }: PaletteProps) {
  const [words, setWords] = useState("");
  const found = useMemo(() => searchDocuments(documents, words, current), [documents, words, current]);
  const groups = [
    { title: "Tools", entries: found.filter((each) => each.class !== "Workflow" && each.origin !== "shipped") },
    { title: "Workflows", entries: found.filter((each) => each.class === "Workflow" && each.origin !== "shipped") },
    { title: "Shipped with MLcraft", entries: found.filter((each) => each.origin === "shipped") },
  ]
    .filter((group) => group.entries.length > 0)
    // The group with the best match comes first, so that the first entry is what Enter in the search adds.
    .toSorted((one, other) => found.indexOf(one.entries[0]!) - found.indexOf(other.entries[0]!) || 0);
  const shownGroups = words.trim()
    ? groups
    : GROUPS.flatMap((title) => groups.filter((group) => group.title === title));
  const addFirst = (event: React.KeyboardEvent<HTMLInputElement>) => {
    moveFocus(event);
    if (event.key !== "Enter" || !words.trim()) return;
    event.preventDefault();
    const first = shownGroups.flatMap((group) => group.entries).find((entry) => !entry.error);
    if (!first || disabled) return;
    onAdd(first);
    event.currentTarget.select();
  };

  return (
    <nav className="palette" aria-label="What can be a step">
      <label className="palette-search">
        <Icon name="search" size={14} />
        <span className="hidden-text">Search tools and workflows</span>
        <input
          className="field"
          type="search"
          placeholder="Search (/)"
          value={words}
          onChange={(event) => setWords(event.target.value)}
          onKeyDown={addFirst}
        />
      </label>
      <div className="palette-list">
        {shownGroups.map((group) => (
          <section key={group.title} aria-label={group.title}>
            <h3>{group.title}</h3>
            <ul>
              {group.entries.map((entry) => (
                <Entry key={entry.path} {...{ entry, disabled, onAdd, onOpen }} />
              ))}
            </ul>
          </section>
        ))}
        {found.length === 0 && (
          <p className="palette-empty">
            {words ? `Nothing is called “${words}”.` : "There are no other documents yet."}
          </p>
        )}
      </div>
    </nav>
  );
});

function Entry({
  entry,
  disabled,
  onAdd,
  onOpen,
}: { entry: DocumentEntry; disabled: boolean } & Pick<PaletteProps, "onAdd" | "onOpen">) {
  const title = entry.label || entry.name;
  const usable = !disabled && !entry.error;
  return (
    <li>
      <button
        type="button"
        className={`palette-entry ${entry.error ? "palette-broken" : ""}`}
        draggable={usable}
        title={entry.error ?? `${entry.doc ? `${entry.doc}\n\n` : ""}${signatureOf(entry)}`}
        onDragStart={(event) => {
          event.dataTransfer.setData(DRAGGED, entry.path);
          event.dataTransfer.effectAllowed = "copy";
        }}
        onDoubleClick={() => onOpen(entry)}
        onKeyDown={(event) => {
          moveFocus(event);
          if (event.key !== "Enter" || !usable) return;
          event.preventDefault();
          onAdd(entry);
        }}
      >
        <Icon name={entry.error ? "warning" : (ICONS[entry.class] ?? "tool")} />
        <span className="palette-title">{title}</span>
        <span className="palette-path">{entry.path.replace(/^shipped:/, "")}</span>
      </button>
      {usable && (
        <button
          type="button"
          className="palette-add"
          tabIndex={-1}
          aria-label={`Add ${title}`}
          title={`Add ${title} (Enter)`}
          onClick={() => onAdd(entry)}
        >
          <Icon name="plus" size={14} />
        </button>
      )}
    </li>
  );
}

/** The entries that contain all words; those with the words in their name come first. */
function searchDocuments(
  documents: readonly DocumentEntry[],
  words: string,
  current: string | undefined,
): DocumentEntry[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const name = (entry: DocumentEntry) => `${entry.label ?? ""} ${entry.path}`.toLowerCase();
  const all = (entry: DocumentEntry) => `${name(entry)} ${entry.doc ?? ""} ${entry.hint ?? ""}`.toLowerCase();
  const rank = (entry: DocumentEntry) => (wanted.every((word) => name(entry).includes(word)) ? 0 : 1);
  return documents
    .filter((entry) => entry.path !== current && wanted.every((word) => all(entry).includes(word)))
    .toSorted((one, other) => rank(one) - rank(other) || name(one).localeCompare(name(other)));
}

/** The keys up and down move through the list, from the search field too. */
function moveFocus(event: React.KeyboardEvent<HTMLElement>) {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const all = [...event.currentTarget.closest(".palette")!.querySelectorAll<HTMLElement>("input, .palette-entry")];
  const now = all.indexOf(document.activeElement as HTMLElement);
  const next = all[now + (event.key === "ArrowDown" ? 1 : -1)];
  if (now < 0 || !next) return;
  event.preventDefault();
  next.focus();
}
