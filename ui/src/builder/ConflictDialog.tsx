/** The document on disk is newer than the one that is being edited: both are shown, and nothing is lost. */
import { lazy, Suspense, useState } from "react";
import { Dialog } from "../look/Dialog";
import { Button, Spinner } from "../look/widgets";

export interface ConflictDialogProps {
  path: string;
  mine: string;
  theirs: string;
  /** Save this text over the shown one on disk; for a still newer one the dialog opens again. */
  onSave: (text: string) => void;
  /** Discard the own text, and continue with the one on disk. */
  onTakeTheirs: () => void;
  onClose: () => void;
}

const MergeEditor = lazy(() => import("./MergeEditor"));

export function ConflictDialog({ path, mine, theirs, onSave, onTakeTheirs, onClose }: ConflictDialogProps) {
  const [merged, setMerged] = useState(mine);
  return (
    <Dialog
      wide
      title={`${path} was changed by somebody else`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Go on editing</Button>
          <Button onClick={onTakeTheirs}>Take the one on disk</Button>
          <Button look="main" icon="save" onClick={() => onSave(merged)}>
            Save what is on the right
          </Button>
        </>
      }
    >
      <p className="dialog-text">
        Left is the document on disk, right is yours. Take single changes over by the arrows between them, or edit the
        right side; nothing is written before you choose below.
      </p>
      <div className="merge" data-testid="conflict">
        <Suspense fallback={<Spinner>Comparing…</Spinner>}>
          <MergeEditor theirs={theirs} mine={mine} onChange={setMerged} />
        </Suspense>
      </div>
    </Dialog>
  );
}
