/** The text editor itself. */
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Annotation, Compartment, EditorState, type Text } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, keymap } from "@codemirror/view";
import { useEffect, useRef } from "react";
import type { Problem } from "../api/types";
import { editorLook } from "./editor_look";
import type { YamlPaneProps } from "./YamlPane";

/** To read a longer text takes longer than a frame: what was typed is shown first. */
const LONG = 20_000;

/** Marks a change that came from outside: nobody has to be told of it. */
const fromOutside = Annotation.define<boolean>();

export default function YamlEditor({ text, problems, readOnly = false, onChange, reveal }: YamlPaneProps) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const locked = useRef(new Compartment());
  const tell = useRef(onChange);
  tell.current = onChange;
  const untold = useRef(false);

  /** Tell what has been typed, as it is now. */
  const tellNow = useRef(() => {
    if (!untold.current || !view.current) return;
    untold.current = false;
    tell.current(view.current.state.sliceDoc());
  });

  useEffect(() => {
    const made = new EditorView({
      parent: place.current!,
      state: EditorState.create({
        doc: text,
        extensions: [
          editorLook,
          history(),
          drawSelection(),
          highlightActiveLine(),
          highlightActiveLineGutter(),
          highlightSelectionMatches(),
          search({ top: true }),
          lintGutter(),
          keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap, indentWithTab]),
          // Escape, then Tab leaves the editor, as CodeMirror has it; people have to be told.
          EditorView.contentAttributes.of({
            tabindex: "0",
            "aria-label": "Text of the document. Escape, then Tab, leaves the editor.",
          }),
          locked.current.of(lock(readOnly)),
          // What came as CRLF goes as CRLF.
          EditorState.lineSeparator.of(text.includes("\r\n") ? "\r\n" : "\n"),
          EditorView.updateListener.of((update) => {
            const ours = update.transactions.some((each) => each.annotation(fromOutside));
            if (!update.docChanged || ours) return;
            const waits = untold.current;
            untold.current = true;
            if (update.state.doc.length < LONG) tellNow.current();
            else if (!waits) requestAnimationFrame(() => setTimeout(tellNow.current));
          }),
          EditorView.domEventHandlers({
            blur: () => tellNow.current(),
            // Shortcuts such as that of saving are about what is there.
            keydown: (event) => {
              if (event.ctrlKey || event.metaKey) tellNow.current();
            },
          }),
        ],
      }),
    });
    view.current = made;
    return () => {
      tellNow.current();
      made.destroy();
    };
    // The text that it begins with is only that: later ones are changes.
  }, []);

  useEffect(() => {
    const editor = view.current!;
    const now = editor.state.sliceDoc();
    // What was typed meanwhile is newer.
    if (now === text || untold.current) return;
    const { from, to, insert } = difference(plain(now), plain(text));
    const changes = { from, to, insert: insert.replaceAll("\n", editor.state.lineBreak) };
    editor.dispatch({ changes, annotations: fromOutside.of(true) });
  }, [text]);

  useEffect(() => {
    view.current!.dispatch({ effects: locked.current.reconfigure(lock(readOnly)) });
  }, [readOnly]);

  useEffect(() => {
    const editor = view.current!;
    editor.dispatch(
      setDiagnostics(
        editor.state,
        problems.map((each) => diagnostic(editor.state.doc, each)),
      ),
    );
  }, [problems, text]);

  useEffect(() => {
    if (!reveal) return;
    const editor = view.current!;
    const at = offset(editor.state.doc, reveal.line, reveal.column ?? 1);
    editor.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
    editor.focus();
  }, [reveal]);

  return <div className="yaml-editor" ref={place} />;
}

function lock(readOnly: boolean) {
  return [EditorState.readOnly.of(readOnly), EditorView.editable.of(!readOnly)];
}

/** With one character for the end of a line, as the editor counts it. */
function plain(text: string): string {
  return text.replaceAll("\r\n", "\n");
}

/** The one stretch in which two texts differ: the cursor and the folds of all the rest stay. */
function difference(before: string, after: string): { from: number; to: number; insert: string } {
  const least = Math.min(before.length, after.length);
  let from = 0;
  while (from < least && before[from] === after[from]) from++;
  let tail = 0;
  while (tail < least - from && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  return { from, to: before.length - tail, insert: after.slice(from, after.length - tail) };
}

function diagnostic(text: Text, problem: Problem): Diagnostic {
  const from = offset(text, problem.line ?? 1, problem.column ?? 1);
  const to = Math.max(text.lineAt(from).to, from);
  return { from, to, severity: problem.severity, message: problem.message };
}

function offset(text: Text, line: number, column: number): number {
  const found = text.line(Math.min(Math.max(line, 1), text.lines));
  return Math.min(found.from + Math.max(column - 1, 0), found.to);
}
