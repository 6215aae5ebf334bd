/** Notices about the document: a found draft, a newer version, a failure. */
import type { Me } from "../../api/types";
import { Button, Notice } from "../../look/widgets";
import type { FoundDraft } from "../drafts";
import { LogInAgain } from "../LogInAgain";
import type { Session, State } from "../session";
import type { NewerVersion } from "../use_newer_version";
import type { Trouble } from "./use_requests";

export function Notices({
  about,
  session,
  state,
  draft,
  fresh,
  trouble,
  onDraftSeen,
  onDiscard,
  onCompare,
  onSave,
  onTroubleSeen,
}: {
  about: Me;
  session: Session;
  state: State;
  draft: FoundDraft | undefined;
  fresh: NewerVersion;
  trouble: Trouble | undefined;
  onDraftSeen: () => void;
  onDiscard: (draft: FoundDraft) => void;
  onCompare: (theirs: NonNullable<NewerVersion["newer"]>) => void;
  onSave: () => void;
  onTroubleSeen: () => void;
}) {
  const { newer } = fresh;
  return (
    <div className="builder-notices">
      {draft && (
        <Notice
          kind={draft.newer ? "warn" : "info"}
          title="Your unsaved changes are back"
          action={
            <span className="buttons">
              <Button onClick={() => onDiscard(draft)}>Discard them</Button>
              <Button onClick={onDraftSeen}>Keep them</Button>
            </span>
          }
        >
          This browser kept them {ago(draft.kept.at)}.
          {draft.newer && " The document has been saved by somebody since; saving shows both."}
        </Notice>
      )}
      {newer && (
        <Notice
          kind="warn"
          title={`${newer.by ? `${newer.by} has` : "Somebody has"} saved a newer version`}
          action={
            <span className="buttons">
              <Button onClick={() => onCompare(newer)}>Compare</Button>
            </span>
          }
        >
          Your changes are safe here; nothing is overwritten.
        </Notice>
      )}
      {fresh.taken && <Notice kind="info" title="A newer version was saved, and is shown now" />}
      {trouble && (
        <Notice
          kind="bad"
          title={trouble.message}
          action={
            trouble.kind === "session" ? (
              <LogInAgain word="Save again" again={onSave} />
            ) : (
              <span className="buttons">
                {trouble.kind === "silent" && <Button onClick={onSave}>Try again</Button>}
                <Button onClick={onTroubleSeen}>Close</Button>
              </span>
            )
          }
        >
          {session.isChanged && "Your changes are kept in this browser, also when it is closed."}
        </Notice>
      )}
      {state.refusal && (
        <Notice
          kind="warn"
          title={state.refusal}
          action={<Button onClick={() => session.refuse(undefined)}>Close</Button>}
        />
      )}
      {!state.editable && (
        <Notice title="You may look at this document, and not change it">{readOnlyWhy(about, state.path)}</Notice>
      )}
    </div>
  );
}

function readOnlyWhy(about: Me, path: string): string {
  if (path.startsWith("shipped:"))
    return "It came with MLcraft. Duplicate it, or drag it into a workflow, to have one of your own.";
  if (!about.writable) return about.why_not || "The folder of documents cannot be written to.";
  return "Ask for the permission to edit its DAG.";
}

function ago(at: number): string {
  const minutes = Math.round((Date.now() - at) / 60_000);
  if (minutes < 1) return "a moment ago";
  if (minutes < 60) return `${minutes} min ago`;
  return new Date(at).toLocaleString();
}
