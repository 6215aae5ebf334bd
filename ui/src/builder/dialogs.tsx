/** The dialogs of the builder. */
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { Dialog } from "../look/Dialog";
import { Button } from "../look/widgets";
import { Row } from "./fields";

/** Asks for a path below the folder. */
export function PathDialog({
  title,
  action,
  path,
  taken,
  children,
  onDone,
  onClose,
}: {
  title: string;
  action: string;
  path: string;
  taken: readonly string[];
  children?: ReactNode;
  onDone: (path: string) => void;
  onClose: () => void;
}) {
  const [typed, setTyped] = useState(path);
  const [flaw, setFlaw] = useState<string>();
  const field = useRef<HTMLInputElement>(null);
  // The name is changed more often than its folder or ending.
  useEffect(
    () => field.current?.setSelectionRange(path.lastIndexOf("/") + 1, path.replace(/\.\w+$/, "").length),
    [path],
  );
  const done = (event: React.FormEvent) => {
    event.preventDefault();
    const wanted = /\.(cwl|ya?ml|json)$/.test(typed.trim()) ? typed.trim() : `${typed.trim()}.cwl`;
    const wrong = pathFlaw(wanted, taken, path);
    setFlaw(wrong);
    if (!wrong) onDone(wanted);
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="main" type="submit" form="path-form">
            {action}
          </Button>
        </>
      }
    >
      <form id="path-form" onSubmit={done}>
        {children}
        <Row
          label="Path in the folder of documents"
          id="path-field"
          flaw={flaw}
          hint="Folders are made where they are needed."
        >
          <input
            id="path-field"
            className="field mono"
            value={typed}
            data-focus
            spellCheck={false}
            autoComplete="off"
            aria-invalid={flaw ? true : undefined}
            ref={field}
            onChange={(event) => setTyped(event.target.value)}
          />
        </Row>
      </form>
    </Dialog>
  );
}

function pathFlaw(path: string, taken: readonly string[], now: string): string | undefined {
  if (path.startsWith("/") || path.split("/").some((one) => one === "" || one === "." || one === ".."))
    return "A path below the folder is needed, such as workflows/training.cwl.";
  if (/[\\:*?"<>|\s]/.test(path)) return 'A path without spaces and without \\ : * ? " < > | is needed.';
  if (taken.includes(path) && path !== now) return "There is a document of this name.";
  return undefined;
}

export function ConfirmDialog({
  title,
  action,
  children,
  danger,
  onDone,
  onClose,
}: {
  title: string;
  action: string;
  children: ReactNode;
  danger?: boolean;
  onDone: () => void;
  onClose: () => void;
}) {
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look={danger ? "danger" : "main"} data-focus={danger ? undefined : true} onClick={onDone}>
            {action}
          </Button>
        </>
      }
    >
      <div className="dialog-text">{children}</div>
    </Dialog>
  );
}

export interface Pick {
  key: string;
  label: string;
  note: string;
  run: () => void;
}

/** A list to choose from by typing a part of it. */
export function PickDialog({
  title,
  picks,
  none,
  onClose,
}: {
  title: string;
  picks: readonly Pick[];
  none: string;
  onClose: () => void;
}) {
  const [words, setWords] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const found = useMemo(() => {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    return picks.filter((one) => wanted.every((word) => `${one.label} ${one.note}`.toLowerCase().includes(word)));
  }, [picks, words]);
  const now = Math.min(at, found.length - 1);
  const choose = (one: Pick | undefined) => {
    if (!one) return;
    onClose();
    one.run();
  };
  const keys = (event: React.KeyboardEvent) => {
    const next = { ArrowDown: now + 1, ArrowUp: now - 1 }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      const wrapped = (next + found.length) % Math.max(1, found.length);
      setAt(wrapped);
      list.current?.children[wrapped]?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter") {
      event.preventDefault();
      choose(found[now]);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <input
        className="field"
        role="combobox"
        aria-expanded="true"
        aria-controls="picks"
        aria-activedescendant={found[now] ? `pick-${now}` : undefined}
        aria-label={title}
        placeholder="Type to search, arrows and Enter to choose"
        data-focus
        value={words}
        onChange={(event) => {
          setWords(event.target.value);
          setAt(0);
        }}
        onKeyDown={keys}
      />
      <ul className="picks" role="listbox" id="picks" ref={list} aria-label={title}>
        {found.map((one, index) => (
          // The keys are those of the field, which names the active option (aria-activedescendant).
          // eslint-disable-next-line jsx-a11y/click-events-have-key-events
          <li
            key={one.key}
            id={`pick-${index}`}
            role="option"
            aria-selected={index === now}
            onPointerMove={() => setAt(index)}
            onClick={() => choose(one)}
          >
            <span>{one.label}</span>
            <small>{one.note}</small>
          </li>
        ))}
      </ul>
      {!found.length && <p className="dialog-text">{none}</p>}
    </Dialog>
  );
}

const KEYS: [string, string][] = [
  ["/", "search tools and workflows; Enter adds one"],
  ["← → ↑ ↓", "to the next node; with Shift, the selection grows"],
  ["Enter", "to the form of the node"],
  ["c", "connect the selected node"],
  ["i  p", "add an input, an output"],
  ["Delete", "remove what is selected"],
  ["Ctrl+C  X  V  D", "copy, cut, paste, duplicate"],
  ["Ctrl+A", "select all"],
  ["Ctrl+Z  Ctrl+Shift+Z", "undo, redo"],
  ["t", "tidy up"],
  ["y", "the text beside the picture, or the forms"],
  ["Ctrl+S", "save"],
  ["Ctrl+Enter", "run"],
  ["+  −  0", "zoom, show all"],
  ["o", "open or close a sub-workflow in place, or the inputs that are folded away"],
  ["Esc", "select nothing"],
];

export function KeysDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl className="keys">
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p className="dialog-text">On a Mac, ⌘ in place of Ctrl.</p>
    </Dialog>
  );
}
