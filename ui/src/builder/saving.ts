/** Saving: its possible failures, and how each is handled. */
import { ApiError } from "../api/fetch";
import { saveDocument, type Saved } from "../api/documents";
import type { Session } from "./session";

export type Outcome =
  | { how: "saved"; dagId: string | undefined; problems: Saved["problems"] }
  | { how: "conflict"; theirs: { text: string; version: string } }
  | { how: "failed"; kind: "session" | "silent" | "refused"; message: string };

export async function save(
  session: Session,
  text = session.state.text,
  base = session.state.base.version,
): Promise<Outcome> {
  const { path } = session.state;
  session.keepDraft();
  try {
    const saved = await saveDocument(path, text, base);
    session.saved(path, saved.version, text);
    return { how: "saved", dagId: saved.dag_id ?? undefined, problems: saved.problems };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const theirs = error.body as { text?: unknown; version?: unknown } | undefined;
    if (error.status === 409 && typeof theirs?.text === "string" && typeof theirs.version === "string") {
      return { how: "conflict", theirs: { text: theirs.text, version: theirs.version } };
    }
    if (error.sessionEnded) return { how: "failed", kind: "session", message: "Your session has ended." };
    if (error.silent) return { how: "failed", kind: "silent", message: "Airflow does not answer." };
    return { how: "failed", kind: "refused", message: error.message };
  }
}
