/** Saving the document, with the notices and dialogs afterwards. */
import { type RefObject, useCallback, useRef } from "react";
import { type Outcome, save } from "../saving";
import type { Session } from "../session";
import type { OpenWindow } from "./window";
import type { Requests } from "./use_requests";

export interface Saving {
  /** Undefined if there is nothing to save, or if saving was cancelled. */
  saveNow: () => Promise<Outcome | undefined>;
  /** Saves the text without any check. */
  write: () => Promise<Outcome>;
  /** The time of the last save by this page, in milliseconds, and the DAG of the document. */
  last: RefObject<{ at: number; dagId: string | undefined } | undefined>;
}

export function useSaving(
  session: Session,
  { busy, setBusy, setTrouble }: Requests,
  showToast: (message: string) => void,
  open: OpenWindow,
  onSaved: () => void,
): Saving {
  const last = useRef<{ at: number; dagId: string | undefined }>(undefined);

  const after = useCallback(
    (outcome: Outcome): Outcome => {
      if (outcome.how === "saved") {
        last.current = { at: Date.now(), dagId: outcome.dagId };
        setTrouble(undefined);
        const wrong = outcome.problems.some((one) => one.severity === "error");
        showToast(
          wrong
            ? "Saved. It has problems, so Airflow shows an import error in place of the DAG."
            : outcome.dagId
              ? `Saved. The DAG is ${outcome.dagId}.`
              : "Saved.",
        );
        onSaved();
      } else if (outcome.how === "conflict") open({ name: "conflict", theirs: outcome.theirs });
      else setTrouble({ kind: outcome.kind, message: outcome.message });
      return outcome;
    },
    [setTrouble, showToast, open, onSaved],
  );

  const write = useCallback(async () => {
    setBusy("Saving…");
    try {
      return after(await save(session));
    } finally {
      setBusy("");
    }
  }, [session, setBusy, after]);

  const saveNow = useCallback(async () => {
    if (!session.state.editable || busy) return undefined;
    if (!session.isChanged) {
      showToast("There is nothing to save.");
      return undefined;
    }
    if (session.state.broken) {
      session.refuse(
        "The text has an error, and is not saved over the last good version. It is kept in this browser until it is mended.",
      );
      return undefined;
    }
    return write();
  }, [session, busy, showToast, write]);

  return { saveNow, write, last };
}
