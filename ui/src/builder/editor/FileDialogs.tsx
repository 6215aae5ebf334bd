/** Dialogs to rename, copy and delete the file of the document. */
import { deleteDocument, duplicateDocument, renameDocument } from "../../api/documents";
import { ConfirmDialog, PathDialog } from "../dialogs";
import { dropDraft } from "../drafts";
import type { DocumentLibrary } from "../library";
import type { State } from "../session";
import type { Requests } from "./use_requests";

export interface FileWindowProps {
  state: State;
  library: DocumentLibrary;
  attempt: Requests["attempt"];
  refresh: () => Promise<unknown>;
  onGo: (path: string | undefined) => void;
  onClose: () => void;
}

export function RenameWindow({ state, library, attempt, refresh, onGo, onClose }: FileWindowProps) {
  const { path, base } = state;
  const rename = (to: string) =>
    attempt("Renaming…", async () => {
      await renameDocument(path, to, base.version ?? "");
      dropDraft(path);
      await refresh();
      onGo(to);
    });
  return (
    <PathDialog
      title="Rename the document"
      action="Rename"
      path={path}
      taken={pathsOf(library)}
      onClose={onClose}
      onDone={(to) => {
        onClose();
        void rename(to);
      }}
    >
      <UsedBy library={library} path={path} />
    </PathDialog>
  );
}

export function DuplicateWindow({ state, library, attempt, refresh, onGo, onClose }: FileWindowProps) {
  const { path } = state;
  const duplicate = (to: string) =>
    attempt("Copying…", async () => {
      await duplicateDocument(path, to);
      await refresh();
      onGo(to);
    });
  return (
    <PathDialog
      title="Duplicate the document"
      action="Duplicate"
      path={path.replace(/(\.\w+)$/, "_copy$1")}
      taken={pathsOf(library)}
      onClose={onClose}
      onDone={(to) => {
        onClose();
        void duplicate(to);
      }}
    />
  );
}

export function DeleteWindow({ state, library, attempt, refresh, onGo, onClose }: FileWindowProps) {
  const { path, base } = state;
  const remove = () =>
    attempt("Deleting…", async () => {
      await deleteDocument(path, base.version ?? "");
      dropDraft(path);
      await refresh();
      onGo(undefined);
    });
  return (
    <ConfirmDialog
      danger
      title={`Delete ${path}?`}
      action="Delete the document"
      onClose={onClose}
      onDone={() => {
        onClose();
        void remove();
      }}
    >
      <p>
        Its DAG goes from Airflow; what its runs have made stays. <UsedBy library={library} path={path} />
      </p>
    </ConfirmDialog>
  );
}

function pathsOf(library: DocumentLibrary): string[] {
  return library.entries.map((one) => one.path);
}

function UsedBy({ library, path }: { library: DocumentLibrary; path: string }) {
  const users = library.entry(path)?.used_by ?? [];
  return users.length ? <p className="row-hint">These run it, and will miss it: {users.join(", ")}.</p> : null;
}
