/** The builder: the open document, or the list of all documents. */
import { useCallback, useEffect, useState } from "react";
import "./builder.css";
import { ApiError, request } from "../api/fetch";
import { listDocuments, fetchMe, readDocument } from "../api/documents";
import type { DocumentEntry, Me } from "../api/types";
import { useLatest } from "../look/use_latest";
import { Button, Notice, Spinner } from "../look/widgets";
import { Editor } from "./editor/Editor";
import type { HintSchema } from "./Hints";
import { DocumentLibrary } from "./library";
import { emptyTool, emptyWorkflow } from "./new_document";
import { type FoundDraft, readDraft } from "./drafts";
import { Session } from "./session";
import { DocumentList } from "./DocumentList";
import { LogInAgain } from "./LogInAgain";

export interface Place {
  path: string | undefined;
  fresh: "workflow" | "tool" | undefined;
}

interface Opened {
  session: Session;
  draft: FoundDraft | undefined;
  by: string | undefined;
}

function placeFromAddress(): Place {
  const asked = new URLSearchParams(location.search);
  const fresh = asked.get("new");
  return {
    path: asked.get("document") ?? undefined,
    fresh: fresh === "tool" ? "tool" : fresh ? "workflow" : undefined,
  };
}

/** The library with these entries, and the texts that were already read of them. */
const withEntries = (entries: readonly DocumentEntry[]) => (library: DocumentLibrary | undefined) =>
  library ? library.with(entries) : new DocumentLibrary(entries);

export function App() {
  const [about, setAbout] = useState<Me>();
  const [library, setLibrary] = useState<DocumentLibrary>();
  const [schema, setSchema] = useState<HintSchema>();
  const [place, setPlace] = useState(placeFromAddress);
  const [found, setFound] = useState<Opened & { place: Place }>();
  const [error, setError] = useState<ApiError>();
  const [attempt, setAttempt] = useState(0);
  const latest = useLatest({ library, about });

  const refresh = useCallback(async () => {
    const entries = await listDocuments();
    setLibrary(withEntries(entries));
    return entries;
  }, []);

  useEffect(() => {
    Promise.all([fetchMe(), listDocuments()]).then(([person, entries]) => {
      setAbout(person);
      setLibrary(withEntries(entries));
    }, setError);
    request<HintSchema>("api/schema").then(setSchema, () => setSchema(undefined));
  }, [attempt]);
  useEffect(() => {
    const moved = () => {
      setError(undefined);
      setPlace(placeFromAddress());
    };
    addEventListener("popstate", moved);
    return () => removeEventListener("popstate", moved);
  }, []);

  const go = useCallback((path: string | undefined, fresh?: Place["fresh"]) => {
    const address = new URL(location.href);
    address.search =
      path === undefined
        ? ""
        : `?document=${encodeURIComponent(path)}${fresh ? `&new=${fresh === "tool" ? "tool" : "1"}` : ""}`;
    history.pushState(null, "", address);
    setError(undefined);
    setPlace({ path, fresh });
  }, []);

  const ready = about !== undefined && library !== undefined;
  const opened = found?.place === place ? found : undefined;
  useEffect(() => {
    const { library, about } = latest.current;
    if (!ready || place.path === undefined || !library || !about) return;
    let stale = false;
    open(place, library, about).then(
      (found) => !stale && setFound({ ...found, place }),
      (problem: ApiError) => !stale && setError(problem),
    );
    return () => {
      stale = true;
    };
  }, [place, ready, latest]);

  useEffect(() => () => opened?.session.close(), [opened]);
  useEffect(() => {
    document.title = place.path ?? "Workflow builder";
  }, [place]);

  if (error) {
    const retry = () => {
      setError(undefined);
      setPlace({ ...place });
      setAttempt((now) => now + 1);
    };
    return (
      <div className="alone">
        <Notice
          kind="bad"
          title={error.sessionEnded ? "You are not logged in" : "This does not work just now"}
          action={
            error.sessionEnded ? (
              <LogInAgain again={retry} />
            ) : (
              <>
                <Button onClick={() => go(undefined)}>All documents</Button>
                <Button icon="retry" onClick={retry}>
                  Try again
                </Button>
              </>
            )
          }
        >
          {error.message}
        </Notice>
      </div>
    );
  }
  if (!ready || (place.path !== undefined && !opened))
    return (
      <div className="alone">
        <Spinner>Opening…</Spinner>
      </div>
    );
  if (!opened) return <DocumentList about={about} library={library} onOpen={go} />;
  return (
    <Editor
      key={opened.session.state.path}
      about={about}
      library={library}
      schema={schema}
      session={opened.session}
      draft={opened.draft}
      onGo={go}
      refresh={refresh}
      onRead={(path, value) => setLibrary((now) => now?.withValue(path, value))}
    />
  );
}

async function open({ path, fresh }: Place, library: DocumentLibrary, about: Me): Promise<Opened> {
  const kept = readDraft(path!);
  try {
    const found = await readDocument(path!);
    const session = new Session(
      path!,
      { version: found.version, text: found.text },
      kept?.text ?? found.text,
      found.can_edit,
      library,
    );
    const useful = kept && kept.text !== found.text;
    return {
      session,
      draft: useful ? { kept, newer: kept.base !== found.version, saved: found.text } : undefined,
      by: found.by ?? undefined,
    };
  } catch (error) {
    const missing = error instanceof ApiError && error.gone && (fresh || kept);
    if (!missing) throw error;
    const text =
      fresh === "tool"
        ? emptyTool(path!, about.composer_form_default)
        : emptyWorkflow(path!, about.composer_form_default);
    const session = new Session(
      path!,
      { version: null, text: "" },
      kept?.text ?? text,
      about.can_edit && about.writable,
      library,
    );
    return {
      session,
      draft: kept && kept.text !== text ? { kept, newer: false, saved: text } : undefined,
      by: undefined,
    };
  }
}
