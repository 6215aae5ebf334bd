/** The bar at the top: the document, whether it is saved, and its actions. */
import type { RefObject } from "react";
import type { Me } from "../api/types";
import type { GraphHandle } from "../graph";
import type { StepState } from "../graph/model";
import { Button, IconButton, Menu, type MenuItem } from "../look/widgets";
import type { Session, State } from "./session";

export interface TopBarProps {
  about: Me;
  state: State;
  session: Session;
  changed: boolean;
  busy: string;
  side: "form" | "text";
  handle: RefObject<GraphHandle | null>;
  palette: boolean;
  states: Readonly<Record<string, StepState>> | undefined;
  onPalette: () => void;
  onSide: (side: "form" | "text") => void;
  onGo: (path: string | undefined) => void;
  onSave: () => void;
  onRun: () => void;
  onTidy: () => void;
  onAdd: (kind: "input" | "output") => void;
  onWindow: (name: "keys" | "rename" | "duplicate" | "delete" | "composer") => void;
}

export function TopBar(props: TopBarProps) {
  const { about, state, session, changed, busy, side, handle, onGo } = props;
  const { editable, workflow } = state;
  const onDisk = state.base.version !== null;
  const name = state.path
    .replace(/^shipped:/, "")
    .replace(/^.*\//, "")
    .replace(/\.\w+$/, "");
  const picture = (form: "svg" | "png") => async () => {
    const { save } = await import("../graph/export");
    const { picture, places } = handle.current!.drawn();
    await save(form, { picture, places, states: props.states, name });
  };
  const more: MenuItem[] = [
    ...(workflow
      ? [
          { name: "Picture as SVG", icon: "download" as const, run: () => void picture("svg")() },
          { name: "Picture as PNG", icon: "download" as const, run: () => void picture("png")() },
        ]
      : []),
    { name: "Document as CWL", icon: "download", run: () => download(state.text, state.path) },
    ...(editable
      ? [
          {
            name: "Composer form…",
            icon: "file" as const,
            disabled: !!state.broken,
            run: () => props.onWindow("composer"),
          },
        ]
      : []),
    {
      name: "Duplicate…",
      icon: "copy",
      disabled: !onDisk || !about.can_edit || !about.writable,
      run: () => props.onWindow("duplicate"),
    },
    { name: "Rename…", icon: "edit", disabled: !editable || !onDisk || changed, run: () => props.onWindow("rename") },
    {
      name: "Delete…",
      icon: "trash",
      danger: true,
      disabled: !editable || !onDisk,
      run: () => props.onWindow("delete"),
    },
    { name: "Keys", icon: "help", run: () => props.onWindow("keys") },
  ];
  return (
    <header className="top-bar">
      <IconButton name="All documents" icon="folder" onClick={() => onGo(undefined)} />
      <h1 title={state.path}>{state.path.replace(/^shipped:/, "")}</h1>
      <span className={`saved ${changed ? "saved-not" : ""}`} role="status">
        {busy || (changed ? (onDisk ? "not saved" : "new, not saved") : "saved")}
      </span>
      <span className="top-room" />
      {editable && (
        <>
          <IconButton name="Undo (Ctrl+Z)" icon="undo" disabled={!state.canUndo} onClick={() => session.undo()} />
          <IconButton name="Redo (Ctrl+Shift+Z)" icon="redo" disabled={!state.canRedo} onClick={() => session.redo()} />
        </>
      )}
      {editable && workflow && (
        <>
          <Menu
            name="Add"
            icon="plus"
            look="quiet"
            items={[
              { name: "Input (i)", icon: "input", run: () => props.onAdd("input") },
              { name: "Output (p)", icon: "output", run: () => props.onAdd("output") },
              { name: props.palette ? "Hide the palette" : "Show the palette", icon: "folder", run: props.onPalette },
            ]}
          />
          <Button look="quiet" disabled={!!state.broken} title="Tidy up (t)" onClick={props.onTidy}>
            Tidy
          </Button>
        </>
      )}
      {(workflow || !state.kind) && (
        <div className="sides" role="group" aria-label="Beside the picture">
          <button type="button" aria-pressed={side === "form"} onClick={() => props.onSide("form")}>
            Form
          </button>
          <button type="button" aria-pressed={side === "text"} onClick={() => props.onSide("text")}>
            YAML
          </button>
        </div>
      )}
      {!workflow && state.kind && (
        <Button
          look="quiet"
          aria-pressed={side === "text"}
          onClick={() => props.onSide(side === "text" ? "form" : "text")}
        >
          {side === "text" ? "Hide the YAML" : "YAML"}
        </Button>
      )}
      <Menu name="More" icon="more" look="quiet" items={more} />
      {editable && (
        <Button icon="save" disabled={!changed || busy !== ""} title="Save (Ctrl+S)" onClick={props.onSave}>
          Save
        </Button>
      )}
      {about.can_edit && workflow && (
        <Button
          icon="play"
          look="main"
          disabled={busy !== "" || !!state.broken}
          title="Run (Ctrl+Enter)"
          onClick={props.onRun}
        >
          {changed && editable ? "Save and run" : "Run"}
        </Button>
      )}
    </header>
  );
}

function download(text: string, path: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  link.download = path.slice(path.lastIndexOf("/") + 1);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
