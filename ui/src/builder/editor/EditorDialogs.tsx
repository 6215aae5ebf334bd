/** The dialog above the editor, and the actions of its buttons. */
import type { DagGraph } from "../../api/types";
import { connect, connectionsOf, scatterQuestion } from "../actions";
import { ComposerDialog } from "../ComposerDialog";
import { ConflictDialog } from "../ConflictDialog";
import { ConfirmDialog, KeysDialog, PickDialog } from "../dialogs";
import { RunDialog } from "../RunDialog";
import type { Session } from "../session";
import { startRun, uploadFile } from "../start_run";
import { DeleteWindow, DuplicateWindow, type FileWindowProps, RenameWindow } from "./FileDialogs";
import type { Editing } from "./use_editing";
import type { Saving } from "./use_saving";
import type { Window } from "./window";

export interface WindowsProps extends FileWindowProps {
  opened: Window | undefined;
  session: Session;
  /** The one node that is selected. */
  only: string | undefined;
  offer: Editing["offer"];
  write: Saving["write"];
  onStarted: (found: DagGraph, runId: string) => void;
}

export function EditorDialogs({ opened, session, only, offer, write, onStarted, ...file }: WindowsProps) {
  const { state, onClose } = file;
  const { workflow } = state;
  switch (opened?.name) {
    case "keys":
      return <KeysDialog onClose={onClose} />;
    case "scatter": {
      const { title, text } = scatterQuestion(workflow!, opened.connection);
      return (
        <ConfirmDialog
          title={title}
          action="Run it for each"
          onClose={onClose}
          onDone={() => {
            onClose();
            connect(session, opened.connection, "scatter");
          }}
        >
          {text}
        </ConfirmDialog>
      );
    }
    case "connect":
      return (
        <PickDialog
          title={`Connect ${only ? only.slice(only.indexOf(":") + 1) : ""}`}
          none="Nothing fits: there is no other port of a type that goes with these."
          onClose={onClose}
          picks={(only && workflow ? connectionsOf(workflow, only) : []).map(({ connection, way, label, note }) => ({
            key: label,
            label,
            note,
            run: () => offer(connection, way),
          }))}
        />
      );
    case "conflict":
      return (
        <ConflictDialog
          path={state.path}
          mine={state.text}
          theirs={opened.theirs.text}
          onClose={onClose}
          onTakeTheirs={() => {
            session.rebase(opened.theirs);
            session.setText(opened.theirs.text);
            session.keepDraft();
            onClose();
          }}
          onSave={(text) => {
            onClose();
            session.rebase(opened.theirs);
            session.setText(text);
            void write();
          }}
        />
      );
    case "rename":
      return <RenameWindow {...file} />;
    case "duplicate":
      return <DuplicateWindow {...file} />;
    case "delete":
      return <DeleteWindow {...file} />;
    case "composer":
      return (
        <ComposerDialog
          path={state.path}
          text={state.text}
          onTake={(text) => {
            onClose();
            session.setText(text);
          }}
          onClose={onClose}
        />
      );
    case "run":
      return (
        <RunDialog
          title={opened.found.title}
          inputs={opened.found.run_inputs}
          onClose={onClose}
          onUpload={(file) => uploadFile(opened.found.dag_id, file)}
          onRun={async (conf) => onStarted(opened.found, await startRun(opened.found.dag_id, conf))}
        />
      );
    default:
      return null;
  }
}
