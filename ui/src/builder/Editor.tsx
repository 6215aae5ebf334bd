/** One document open: the palette, the picture, the forms or the text, and the problems. */
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import "../view/view.css";
import { deleteDocument, duplicateDocument, renameDocument } from "../api/documents";
import { ApiError } from "../api/fetch";
import { dagGraph } from "../api/runs";
import type { DagGraph, DocumentEntry, Me } from "../api/types";
import type { Way } from "../document/connecting";
import * as edits from "../document/edits";
import { lineOf, offsetOf } from "../document/source";
import type { Value } from "../document/value";
import { type End, type GraphHandle, type Move, WorkflowGraph } from "../graph";
import type { Position, StepState } from "../graph/model";
import { Notice } from "../look/widgets";
import { StepPanel } from "../view/StepPanel";
import { useRun } from "../view/use_run";
import { readValue } from "./App";
import { type Connection, addEnd, addStep, connect, connectionsOf, copied, fitOf, named, pasted, placesOf, removeKeys, scatterWords } from "./actions";
import { ComposerDialog } from "./ComposerDialog";
import { ConflictDialog } from "./ConflictDialog";
import { ConfirmDialog, KeysDialog, PathDialog, PickDialog } from "./dialogs";
import { type Draft, dropDraft } from "./drafts";
import type { HintSchema } from "./Hints";
import { Inspector } from "./Inspector";
import { LogInAgain } from "./LogInAgain";
import { Palette } from "./Palette";
import { Problems } from "./Problems";
import { RunDialog } from "./RunDialog";
import { RunBar } from "./RunBar";
import { type Outcome, save } from "./saving";
import type { Session } from "./session";
import { dagIsThere, startRun, uploadFile } from "./start_run";
import { ToolEditor } from "./ToolEditor";
import { TopBar } from "./TopBar";
import { type Listed, useProblems } from "./use_check";
import { useFresh } from "./use_fresh";
import { YamlPane } from "./YamlPane";

export interface EditorProps {
  about: Me;
  library: Session["state"]["library"];
  schema: HintSchema | undefined;
  session: Session;
  draft: { kept: Draft; newer: boolean; saved: string } | undefined;
  onGo(path: string | undefined, fresh?: "workflow" | "tool"): void;
  refresh(): Promise<readonly DocumentEntry[]>;
  onRead(path: string, value: Value): void;
}

type Window =
  | { name: "keys" | "rename" | "duplicate" | "delete" | "connect" | "composer" }
  | { name: "scatter"; connection: Connection }
  | { name: "conflict"; theirs: { text: string; version: string } }
  | { name: "run"; found: DagGraph };

type Trouble = { kind: "session" | "silent" | "refused" | "info"; message: string };

export function Editor({ about, library, schema, session, draft, onGo, refresh, onRead }: EditorProps) {
  const state = useSyncExternalStore(session.subscribe, session.snapshot);
  const { workflow, editable } = state;
  // A tool's form stands in the middle: there is room for its text.
  const [side, setSide] = useState<"form" | "text">(workflow ? "form" : "text");
  const [window_, setWindow] = useState<Window>();
  const [busy, setBusy] = useState("");
  const [trouble, setTrouble] = useState<Trouble>();
  const [said, setSaid] = useState("");
  const [draftTold, setDraftTold] = useState(draft !== undefined);
  const [showProblems, setShowProblems] = useState(false);
  const [place, setPlace] = useState<{ line: number; column?: number }>();
  const [following, setFollowing] = useState<{ dagId: string; runId: string; found: DagGraph }>();
  const [palette, setPalette] = useState(true);
  const handle = useRef<GraphHandle>(null);
  const frame = useRef<HTMLDivElement>(null);
  const dagId = useRef<string>(undefined);
  const savedAt = useRef<number>(undefined);
  const closeWindow = useCallback(() => setWindow(undefined), []);

  useEffect(() => session.setLibrary(library), [session, library]);
  useInsides(state.graph, session, onRead);
  const { problems, checking, checked } = useProblems(state, editable);
  const { run, error: runError } = useRun(following?.dagId ?? "", following?.runId);
  const fresh = useFresh(session);

  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => setSaid(""), 6000);
    return () => clearTimeout(timer);
  }, [said]);

  useEffect(() => {
    const leave = () => session.keepDraft();
    addEventListener("pagehide", leave);
    return () => removeEventListener("pagehide", leave);
  }, [session]);

  // Saving

  const after = useCallback((outcome: Outcome): Outcome => {
    if (outcome.how === "saved") {
      savedAt.current = Date.now();
      dagId.current = outcome.dagId;
      setTrouble(undefined);
      setDraftTold(false);
      const wrong = outcome.problems.some((one) => one.severity === "error");
      setSaid(wrong ? "Saved. It has problems, so Airflow shows an import error in place of the DAG." : outcome.dagId ? `Saved. The DAG is ${outcome.dagId}.` : "Saved.");
      void refresh();
    } else if (outcome.how === "conflict") setWindow({ name: "conflict", theirs: outcome.theirs });
    else setTrouble({ kind: outcome.kind, message: outcome.message });
    return outcome;
  }, [refresh]);

  const saveNow = useCallback(async (): Promise<Outcome | undefined> => {
    if (!session.state.editable || busy) return undefined;
    if (!session.isChanged) {
      setSaid("There is nothing to save.");
      return undefined;
    }
    if (session.state.broken) {
      session.refuse("The text has an error, and is not saved over the last good version. It is kept in this browser until it is mended.");
      return undefined;
    }
    setBusy("Saving…");
    try {
      return after(await save(session));
    } finally {
      setBusy("");
    }
  }, [session, busy, after]);

  const attempt = async (what: string, work: () => Promise<void>) => {
    setBusy(what);
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setTrouble({ kind: error.sessionEnded ? "session" : error.silent ? "silent" : "refused", message: error.message });
    } finally {
      setBusy("");
    }
  };

  // Running

  const runNow = useCallback(async () => {
    if (session.state.findings.some((one) => one.severity === "error")) {
      setShowProblems(true);
      session.refuse("There are problems to be mended before it can run; they are listed below the picture.");
      return;
    }
    if (session.isChanged) {
      const outcome = await saveNow();
      if (outcome?.how !== "saved") return;
    }
    const id = dagId.current ?? library.entry(session.state.path)?.dag_id;
    if (!id) return setTrouble({ kind: "refused", message: "This document is no DAG: mend its problems first." });
    await attempt("Waiting for the DAG…", async () => {
      await dagIsThere(id, savedAt.current);
      setWindow({ name: "run", found: await dagGraph(id) });
    });
  }, [session, saveNow, library]);

  // Editing

  const add = useCallback((entry: DocumentEntry, position?: Position) =>
    void attempt("", () => addStep(session, entry, position ?? nextPlace(handle.current, session), refresh)), [session, refresh]);
  const addPort = useCallback((kind: "input" | "output") => addEnd(session, kind, nextPlace(handle.current, session, kind)), [session]);

  const offer = useCallback((connection: Connection, way: Way | undefined) => {
    if (way === "scatter") setWindow({ name: "scatter", connection });
    else if (way) connect(session, connection, way);
  }, [session]);

  const onConnect = useCallback((from: End, to: End) => {
    const { workflow } = session.state;
    const connection = placesOf(from, to);
    if (!workflow || !connection) return;
    const fit = fitOf(workflow, from, to);
    offer(connection, fit === "scatters" ? "scatter" : fit ? connectionWay(workflow, connection) : undefined);
  }, [session, offer]);

  const tidy = useCallback(() => {
    const moves = handle.current?.tidied() ?? [];
    session.edit((now) => edits.move(now, moves));
    requestAnimationFrame(() => handle.current?.fit());
  }, [session]);

  const jump = (problem: Listed) => {
    if (problem.key && side === "form") {
      session.select(new Set([problem.key]));
      handle.current?.reveal(problem.key);
      return;
    }
    setSide("text");
    setPlace({ line: problem.line, column: problem.column });
  };

  const selected = [...state.selection].filter((key) => !key.includes(">"));
  const only = selected.length === 1 ? selected[0] : undefined;

  useEffect(() => {
    const item = only && side === "text" && workflow && edits.itemOfKey(workflow, only);
    if (item && !state.broken) setPlace(lineOf(state.document.source, offsetOf(state.document.source, item.path)));
  }, [only, side]);

  // Keys

  useEffect(() => {
    const typing = (target: EventTarget | null) => (target as HTMLElement | null)?.closest?.("input, textarea, select, .cm-editor, dialog") != null;
    const onKey = (event: KeyboardEvent) => {
      const command = event.ctrlKey || event.metaKey;
      const key = event.key.toLowerCase();
      if (command && key === "s") void saveNow();
      else if (typing(event.target) || window_) return;
      else if (command && key === "enter") void runNow();
      else if (command && key === "z") event.shiftKey ? session.redo() : session.undo();
      else if (command && key === "y") session.redo();
      else if (command && key === "a") session.select(new Set(session.state.graph.nodes.map((node) => node.key)));
      else if (command && key === "d") {
        const clip = copied(session);
        if (clip) pasted(session, clip);
      } else if (command || event.altKey) return;
      else if (key === "/") frame.current?.querySelector<HTMLInputElement>(".palette input")?.focus();
      else if (key === "c" && only) setWindow({ name: "connect" });
      else if (key === "i") addPort("input");
      else if (key === "p") addPort("output");
      else if (key === "t") tidy();
      else if (key === "y") setSide((now) => (now === "form" ? "text" : "form"));
      else if (key === "?") setWindow({ name: "keys" });
      else return;
      event.preventDefault();
      event.stopPropagation();
    };
    const onCopy = (event: ClipboardEvent) => {
      if (typing(document.activeElement) || window_ || getSelection()?.isCollapsed === false) return;
      const clip = copied(session);
      if (!clip || !event.clipboardData) return;
      event.clipboardData.setData("text/plain", clip);
      event.preventDefault();
      if (event.type === "cut") removeKeys(session, [...session.state.selection], session.state.graph.edges);
    };
    const onPaste = (event: ClipboardEvent) => {
      if (typing(document.activeElement) || window_) return;
      if (pasted(session, event.clipboardData?.getData("text/plain") ?? "")) event.preventDefault();
    };
    // Before the picture, for which Enter is Enter.
    addEventListener("keydown", onKey, true);
    document.addEventListener("copy", onCopy);
    document.addEventListener("cut", onCopy);
    document.addEventListener("paste", onPaste);
    return () => {
      removeEventListener("keydown", onKey, true);
      document.removeEventListener("copy", onCopy);
      document.removeEventListener("cut", onCopy);
      document.removeEventListener("paste", onPaste);
    };
  }, [session, saveNow, runNow, tidy, only, window_]);

  const move = useCallback((moves: readonly Move[]) => void session.edit((now) => edits.move(now, moves)), [session]);
  const states: Readonly<Record<string, StepState>> | undefined = following ? (run?.steps ?? NO_STATES) : undefined;
  const runNode = following && only ? following.found.graph.nodes.find((node) => node.key === only) : undefined;
  const taken = useMemo(() => library.entries.map((one) => one.path), [library]);

  return (
    <div className={`builder ${side === "text" ? "builder-text" : ""} ${palette && workflow && editable ? "" : "builder-wide"} ${side === "form" && !workflow && state.kind ? "builder-alone" : ""}`} ref={frame}>
      <TopBar about={about} state={state} session={session} changed={session.isChanged} busy={busy} side={side} handle={handle} palette={palette}
        onPalette={() => setPalette(!palette)} onSide={setSide} onGo={onGo} onSave={() => void saveNow()} onRun={() => void runNow()} onTidy={tidy}
        onAdd={addPort} onWindow={(name) => setWindow({ name })} states={states} />
      <div className="builder-notices">
        {draftTold && draft && (
          <Notice kind={draft.newer ? "warn" : "info"} title="Your unsaved changes are back"
            action={<span className="buttons"><button type="button" className="button button-plain" onClick={() => { session.setText(draft.saved); dropDraft(state.path); setDraftTold(false); }}>Discard them</button>
              <button type="button" className="button button-plain" onClick={() => setDraftTold(false)}>Keep them</button></span>}>
            This browser kept them {ago(draft.kept.at)}.{draft.newer && " The document has been saved by somebody since; saving shows both."}
          </Notice>
        )}
        {fresh.newer && (
          <Notice kind="warn" title={`${fresh.newer.by ? `${fresh.newer.by} has` : "Somebody has"} saved a newer version`}
            action={<span className="buttons"><button type="button" className="button button-plain" onClick={() => setWindow({ name: "conflict", theirs: fresh.newer! })}>Compare</button></span>}>
            Your changes are safe here; nothing is overwritten.
          </Notice>
        )}
        {fresh.taken && <Notice kind="info" title="A newer version was saved, and is shown now" />}
        {trouble && (
          <Notice kind="bad" title={trouble.message}
            action={trouble.kind === "session" ? <LogInAgain word="Save again" again={() => void saveNow()} /> : (
              <span className="buttons">
                {trouble.kind === "silent" && <button type="button" className="button button-plain" onClick={() => void saveNow()}>Try again</button>}
                <button type="button" className="button button-plain" onClick={() => setTrouble(undefined)}>Close</button>
              </span>
            )}>
            {session.isChanged && "Your changes are kept in this browser, also when it is closed."}
          </Notice>
        )}
        {state.refusal && <Notice kind="warn" title={state.refusal} action={<button type="button" className="button button-plain" onClick={() => session.refuse(undefined)}>Close</button>} />}
        {!editable && <Notice title="You may look at this document, and not change it">{readOnlyWhy(about, state.path)}</Notice>}
      </div>
      {workflow && editable && palette && (
        <Palette documents={library.entries} current={state.path} disabled={!!state.broken} onAdd={(entry) => add(entry)} onOpen={(entry) => onGo(entry.path)} />
      )}
      <main className={`builder-middle ${state.broken ? "builder-broken" : ""}`} aria-label="Picture">
        {following && <RunBar run={run} error={runError} dagId={following.dagId} runId={following.runId} onClose={() => setFollowing(undefined)} />}
        {state.broken && state.kind && <p className="broken-note" role="status">The text has an error; this is how it looked before.</p>}
        {workflow ? (
          <div className="builder-graph">
            <WorkflowGraph ref={handle} graph={state.graph} states={states} selection={state.selection} onSelect={(keys) => session.select(keys)} editable={editable && !state.broken}
              onMove={move} onConnect={onConnect} canConnect={(from, to) => fitOf(session.state.workflow, from, to)}
              onDelete={(keys) => removeKeys(session, keys, session.state.graph.edges)}
              onDrop={(path, position) => { const entry = library.entry(path); if (entry) add(entry, position); }}
              onEnter={() => { setSide("form"); requestAnimationFrame(() => frame.current?.querySelector<HTMLElement>(".inspector input, .panel-body")?.focus()); }}
              label={`The workflow ${state.path}`}
              empty={editable ? <p className="empty-note">Drag a tool in from the left, or press <kbd>/</kbd>, search, and press Enter.</p> : "This workflow has no steps."} />
          </div>
        ) : state.fields && state.kind ? <ToolEditor session={session} state={state} schema={schema} />
          : <p className="builder-nothing">{state.broken ? "The text on the right has an error; mend it there." : "This is no CWL document that can be shown; its text is on the right."}</p>}
        <Problems problems={problems} checking={checking} checked={checked} open={showProblems} onToggle={() => setShowProblems(!showProblems)} onJump={jump} />
      </main>
      {(side === "text" || workflow || !state.kind || state.broken) && (
        <div className="builder-side">
          {side === "text" || !workflow
            ? <YamlPane text={state.text} problems={problems} readOnly={!editable} onChange={(text) => session.type(text)} reveal={place} />
            : runNode && following ? <StepPanel found={following.found} node={runNode} run={run} runId={following.runId} onClose={() => session.select(new Set())} />
              : <Inspector session={session} state={state} schema={schema} onOpen={onGo} onConnect={() => setWindow({ name: "connect" })} standing={() => handle.current?.standing() ?? []} />}
        </div>
      )}
      <div className="toast" role="status" aria-live="polite">{said && <span>{said}</span>}</div>
      {windows()}
    </div>
  );

  function windows() {
    switch (window_?.name) {
      case "keys":
        return <KeysDialog onClose={closeWindow} />;
      case "scatter": {
        const { title, text } = scatterWords(workflow!, window_.connection);
        return <ConfirmDialog title={title} action="Run it for each" onClose={closeWindow} onDone={() => { closeWindow(); connect(session, window_.connection, "scatter"); }}>{text}</ConfirmDialog>;
      }
      case "connect":
        return (
          <PickDialog title={`Connect ${only ? only.slice(only.indexOf(":") + 1) : ""}`} none="Nothing fits: there is no other port of a type that goes with these." onClose={closeWindow}
            picks={(only && workflow ? connectionsOf(workflow, only) : []).map(({ connection, way, label, note }) => ({
              key: label, label, note, run: () => offer(connection, way),
            }))} />
        );
      case "conflict":
        return (
          <ConflictDialog path={state.path} mine={state.text} theirs={window_.theirs.text} onClose={closeWindow}
            onTakeTheirs={() => { session.rebase(window_.theirs); session.setText(window_.theirs.text); session.keepDraft(); closeWindow(); }}
            onSave={(text) => { closeWindow(); session.rebase(window_.theirs); session.setText(text); setBusy("Saving…"); void save(session).then(after).finally(() => setBusy("")); }} />
        );
      case "rename":
        return (
          <PathDialog title="Rename the document" action="Rename" path={state.path} taken={taken} onClose={closeWindow}
            onDone={(to) => { closeWindow(); void attempt("Renaming…", async () => { await renameDocument(state.path, to, state.base.version ?? ""); dropDraft(state.path); await refresh(); onGo(to); }); }}>
            <UsedBy library={library} path={state.path} />
          </PathDialog>
        );
      case "duplicate":
        return (
          <PathDialog title="Duplicate the document" action="Duplicate" path={state.path.replace(/(\.\w+)$/, "_copy$1")} taken={taken} onClose={closeWindow}
            onDone={(to) => { closeWindow(); void attempt("Copying…", async () => { await duplicateDocument(state.path, to); await refresh(); onGo(to); }); }} />
        );
      case "delete":
        return (
          <ConfirmDialog danger title={`Delete ${state.path}?`} action="Delete the document" onClose={closeWindow}
            onDone={() => { closeWindow(); void attempt("Deleting…", async () => { await deleteDocument(state.path, state.base.version ?? ""); dropDraft(state.path); await refresh(); onGo(undefined); }); }}>
            <p>Its DAG goes from Airflow; what its runs have made stays. <UsedBy library={library} path={state.path} /></p>
          </ConfirmDialog>
        );
      case "composer":
        return <ComposerDialog path={state.path} text={state.text} onTake={(text) => { closeWindow(); session.setText(text); }} onClose={closeWindow} />;
      case "run":
        return (
          <RunDialog title={window_.found.title} inputs={window_.found.run_inputs} onClose={closeWindow} onUpload={(file) => uploadFile(window_.found.dag_id, file)}
            onRun={async (conf) => {
              const runId = await startRun(window_.found.dag_id, conf);
              setFollowing({ dagId: window_.found.dag_id, runId, found: window_.found });
              setSide("form");
              closeWindow();
            }} />
        );
      default:
        return null;
    }
  }
}

const NO_STATES = {};
const BESIDE = 300;

function connectionWay(workflow: NonNullable<Session["state"]["workflow"]>, connection: Connection): Way | undefined {
  return connectionsOf(workflow, connection.to.step ? `step:${connection.to.step}` : `output:${connection.to.port}`)
    .find((one) => named(one.connection.from) === named(connection.from) && named(one.connection.to) === named(connection.to))?.way;
}

function UsedBy({ library, path }: { library: EditorProps["library"]; path: string }) {
  const users = library.entry(path)?.used_by ?? [];
  return users.length ? <p className="row-hint">These run it, and will miss it: {users.join(", ")}.</p> : null;
}

/** Beside the node that is selected, or in the middle of what is seen; inputs left of all, outputs right. */
function nextPlace(handle: GraphHandle | null, session: Session, kind: "input" | "output" | "step" = "step"): Position | undefined {
  if (!handle) return undefined;
  const standing = handle.standing();
  const selected = standing.find((one) => session.state.selection.has(one.key));
  const [xs, y] = [standing.map((one) => one.position.x), (selected ?? standing[0])?.position.y ?? 0];
  const wanted = !standing.length ? { x: 0, y: 0 }
    : kind === "input" ? { x: Math.min(...xs.filter((_, index) => !standing[index]!.key.startsWith("input:")), Infinity) - BESIDE, y }
      : kind === "output" ? { x: Math.max(...xs.filter((_, index) => !standing[index]!.key.startsWith("output:")), -Infinity) + BESIDE, y }
        : selected ? { x: selected.position.x + BESIDE, y } : handle.middle();
  if (!Number.isFinite(wanted.x)) wanted.x = xs[0]!;
  while (standing.some(({ position }) => Math.abs(position.x - wanted.x) < 120 && Math.abs(position.y - wanted.y) < 90)) wanted.y += 110;
  return { x: Math.round(wanted.x), y: Math.round(wanted.y) };
}

function readOnlyWhy(about: Me, path: string): string {
  if (path.startsWith("shipped:")) return "It came with MLcraft. Duplicate it, or drag it into a workflow, to have one of your own.";
  if (!about.writable) return about.why_not || "The folder of documents cannot be written to.";
  return "Ask for the permission to edit its DAG.";
}

function ago(at: number): string {
  const minutes = Math.round((Date.now() - at) / 60_000);
  if (minutes < 1) return "a moment ago";
  if (minutes < 60) return `${minutes} min ago`;
  return new Date(at).toLocaleString();
}

/** Reads the workflows that steps run, so that they can be opened in place. */
function useInsides(graph: Session["state"]["graph"], session: Session, onRead: EditorProps["onRead"]): void {
  const asked = useRef(new Set<string>());
  useEffect(() => {
    const { workflow, library } = session.state;
    for (const step of workflow?.steps ?? []) {
      const path = step.found?.path;
      if (!path || step.face?.kind !== "Workflow" || library.has(path) || asked.current.has(path)) continue;
      asked.current.add(path);
      readValue(path).then((value) => onRead(path, value), () => undefined);
    }
  }, [graph, session, onRead]);
}

