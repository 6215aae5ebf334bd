/** One document open: the palette, the picture, the forms or the text, and the problems. */
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import "../../view/view.css";
import type { DocumentEntry, Me } from "../../api/types";
import type { Value } from "../../document/value";
import { type GraphHandle, isWire } from "../../graph";
import { type FoundDraft, dropDraft } from "../drafts";
import type { HintSchema } from "../Hints";
import type { DocumentLibrary } from "../library";
import { Palette } from "../Palette";
import { Problems } from "../Problems";
import { RunBar } from "../RunBar";
import type { Session } from "../session";
import { ToolEditor } from "../ToolEditor";
import { TopBar } from "../TopBar";
import { useProblems } from "../use_problems";
import { useNewerVersion } from "../use_newer_version";
import { SidePanel } from "./SidePanel";
import { Divider } from "./Divider";
import { nextPlace } from "./next_place";
import { Notices } from "./Notices";
import { Picture } from "./Picture";
import { useClipboard } from "./use_clipboard";
import { useEditing } from "./use_editing";
import { useSubworkflows } from "./use_subworkflows";
import { useKeys } from "./use_keys";
import { usePanels } from "./use_panels";
import { useRunning } from "./use_running";
import { useToast } from "./use_toast";
import { useSaving } from "./use_saving";
import { useSidePanel } from "./use_side_panel";
import { useRequests } from "./use_requests";
import type { Window } from "./window";
import { EditorDialogs } from "./EditorDialogs";

export interface EditorProps {
  about: Me;
  library: DocumentLibrary;
  schema: HintSchema | undefined;
  session: Session;
  draft: FoundDraft | undefined;
  onGo: (path: string | undefined, fresh?: "workflow" | "tool") => void;
  refresh: () => Promise<readonly DocumentEntry[]>;
  onRead: (path: string, value: Value) => void;
}

export function Editor({ about, library, schema, session, draft, onGo, refresh, onRead }: EditorProps) {
  const state = useSyncExternalStore(session.subscribe, session.snapshot);
  const { workflow, editable } = state;
  const [opened, open] = useState<Window>();
  const [draftTold, setDraftTold] = useState(draft !== undefined);
  const [showProblems, setShowProblems] = useState(false);
  const panels = usePanels();
  const handle = useRef<GraphHandle>(null);
  const frame = useRef<HTMLDivElement>(null);
  const close = useCallback(() => open(undefined), []);

  useEffect(() => session.setLibrary(library), [session, library]);
  useSubworkflows(state.graph, session, onRead);
  useEffect(() => {
    const leave = () => session.keepDraft();
    addEventListener("pagehide", leave);
    return () => removeEventListener("pagehide", leave);
  }, [session]);

  const { problems, checking, checked } = useProblems(state, editable);
  const fresh = useNewerVersion(session);
  const work = useRequests();
  const [toast, showToast] = useToast();
  const onSaved = useCallback(() => {
    setDraftTold(false);
    void refresh();
  }, [refresh]);
  const saving = useSaving(session, work, showToast, open, onSaved);
  const onProblems = useCallback(() => setShowProblems(true), []);
  const running = useRunning(session, library, saving, work, open, onProblems);
  const editing = useEditing(session, handle, work, open, refresh);

  const selected = [...state.selection].filter((key) => !isWire(key));
  const only = selected.length === 1 ? selected[0] : undefined;
  const shown = useSidePanel(session, state, only, handle);
  const { side, setSide } = shown;
  const covered = opened !== undefined;
  const { saveNow } = saving;
  const { runNow, following, states } = running;
  const { add, addPort, tidy } = editing;
  useKeys({ session, frame, handle, only, covered, saveNow, runNow, tidy, addPort, open, setSide });
  useClipboard(session, covered, handle);

  const openEntry = useCallback((entry: DocumentEntry) => onGo(entry.path), [onGo]);
  const toForm = () => {
    setSide("form");
    requestAnimationFrame(() => frame.current?.querySelector<HTMLElement>(".inspector input, .panel-body")?.focus());
  };

  const canAdd = !!workflow && editable;
  const beside = side === "text" || !!workflow || !state.kind || !!state.broken;
  const widths = {
    "--palette": canAdd && !panels.folded.palette ? `${panels.widths.palette}px` : "0px",
    "--side": beside && !panels.folded.side ? `${panels.widths[side]}px` : "0px",
  } as React.CSSProperties;

  return (
    <div className="builder" style={widths} ref={frame}>
      <TopBar
        about={about}
        state={state}
        session={session}
        changed={session.isChanged}
        busy={work.busy}
        side={side}
        handle={handle}
        palette={!panels.folded.palette}
        onPalette={() => panels.fold("palette", !panels.folded.palette)}
        onSide={setSide}
        onGo={onGo}
        onSave={() => void saveNow()}
        onRun={() => void runNow()}
        onTidy={tidy}
        onAdd={addPort}
        onWindow={(name) => open({ name })}
        states={states}
      />
      <Notices
        about={about}
        session={session}
        state={state}
        draft={draftTold ? draft : undefined}
        fresh={fresh}
        trouble={work.trouble}
        onDraftSeen={() => setDraftTold(false)}
        onDiscard={({ saved }) => {
          session.setText(saved);
          dropDraft(state.path);
          setDraftTold(false);
        }}
        onCompare={(theirs) => open({ name: "conflict", theirs })}
        onSave={() => void saveNow()}
        onTroubleSeen={() => work.setTrouble(undefined)}
      />
      {canAdd && !panels.folded.palette && (
        <Palette
          documents={library.entries}
          current={state.path}
          disabled={!!state.broken}
          onAdd={add}
          onOpen={openEntry}
        />
      )}
      {canAdd && <Divider panel="palette" name="the palette" panels={panels} />}
      <main className={`builder-middle ${state.broken ? "builder-broken" : ""}`} aria-label="Picture">
        {following && (
          <RunBar
            run={running.run}
            error={running.error}
            dagId={following.found.dag_id}
            runId={following.runId}
            onClose={running.stopFollowing}
          />
        )}
        {state.broken && state.kind && (
          <p className="broken-note" role="status">
            The text has an error; this is how it looked before.
          </p>
        )}
        {workflow ? (
          <Picture
            session={session}
            state={state}
            library={library}
            states={states}
            handle={handle}
            editing={editing}
            onEnter={toForm}
          />
        ) : state.fields && state.kind ? (
          <ToolEditor session={session} state={state} schema={schema} />
        ) : (
          <p className="builder-nothing">
            {state.broken
              ? "The text on the right has an error; mend it there."
              : "This is no CWL document that can be shown; its text is on the right."}
          </p>
        )}
        <Problems
          problems={problems}
          checking={checking}
          checked={checked}
          open={showProblems}
          onToggle={() => setShowProblems(!showProblems)}
          onJump={shown.jump}
        />
      </main>
      {beside && <Divider panel={side} name={side === "text" ? "the text" : "the form"} panels={panels} />}
      {beside && !panels.folded.side && (
        <SidePanel
          session={session}
          state={state}
          schema={schema}
          only={only}
          problems={problems}
          running={running}
          shown={shown}
          onOpen={onGo}
          onConnect={() => open({ name: "connect" })}
          nextPlace={(kind) => nextPlace(handle.current, session, kind)}
          standing={() => handle.current?.standing() ?? []}
        />
      )}
      <div className="toast" role="status" aria-live="polite">
        {toast && <span>{toast}</span>}
      </div>
      <EditorDialogs
        opened={opened}
        onClose={close}
        session={session}
        state={state}
        library={library}
        only={only}
        offer={editing.offer}
        write={saving.write}
        attempt={work.attempt}
        refresh={refresh}
        onGo={onGo}
        onStarted={(found, runId) => {
          running.follow(found, runId);
          setSide("form");
          close();
        }}
      />
    </div>
  );
}
