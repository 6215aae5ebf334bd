/** The text editor itself. */
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Annotation, Compartment, EditorState, type Text } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, keymap } from "@codemirror/view";
import { useCallback, useEffect, useRef, useState } from "react";
import type { Problem } from "../api/types";
import { useLatest } from "../look/use_latest";
import { editorTheme } from "./editor_theme";
import type { YamlPaneProps } from "./YamlPane";

/** Parsing a longer text takes longer than a frame, so the typed text is shown first. */
const LONG = 20_000;

/** Marks a change from outside, which is not reported. */
const fromOutside = Annotation.define<boolean>();

export default function YamlEditor({ text, problems, readOnly = false, onChange, reveal }: YamlPaneProps) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const [locked] = useState(() => new Compartment());
  const latestOnChange = useLatest(onChange);
  const unreported = useRef(false);
  // Only the initial text; later texts are changes.
  const [initial] = useState({ text, readOnly });

  /** Reports the current text, if it has not been reported since the last key. */
  const report = useCallback(() => {
    if (!unreported.current || !view.current) return;
    unreported.current = false;
    latestOnChange.current(view.current.state.sliceDoc());
  }, [latestOnChange]);

  useEffect(() => {
    const made = new EditorView({
      parent: place.current!,
      state: EditorState.create({
        doc: initial.text,
        extensions: [
          editorTheme,
          history(),
          drawSelection(),
          highlightActiveLine(),
          highlightActiveLineGutter(),
          highlightSelectionMatches(),
          search({ top: true }),
          lintGutter(),
          keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap, indentWithTab]),
          // As in CodeMirror, Escape and then Tab leaves the editor, which users have to know.
          EditorView.contentAttributes.of({
            tabindex: "0",
            "aria-label": "Text of the document. Escape, then Tab, leaves the editor.",
          }),
          locked.of(lock(initial.readOnly)),
          // A text with CRLF keeps CRLF.
          EditorState.lineSeparator.of(initial.text.includes("\r\n") ? "\r\n" : "\n"),
          EditorView.updateListener.of((update) => {
            const ours = update.transactions.some((each) => each.annotation(fromOutside));
            if (!update.docChanged || ours) return;
            const waits = unreported.current;
            unreported.current = true;
            if (update.state.doc.length < LONG) report();
            else if (!waits) requestAnimationFrame(() => setTimeout(report));
          }),
          EditorView.domEventHandlers({
            blur: report,
            // Shortcuts such as that of saving are about what is there.
            keydown: (event) => {
              if (event.ctrlKey || event.metaKey) report();
            },
          }),
        ],
      }),
    });
    view.current = made;
    return () => {
      report();
      made.destroy();
    };
  }, [initial, locked, report]);

  useEffect(() => {
    const editor = view.current!;
    const now = editor.state.sliceDoc();
    // Text that was typed meanwhile is newer.
    if (now === text || unreported.current) return;
    const { from, to, insert } = difference(plain(now), plain(text));
    const changes = { from, to, insert: insert.replaceAll("\n", editor.state.lineBreak) };
    editor.dispatch({ changes, annotations: fromOutside.of(true) });
  }, [text]);

  useEffect(() => {
    view.current!.dispatch({ effects: locked.reconfigure(lock(readOnly)) });
  }, [readOnly, locked]);

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

/** The only range in which two texts differ; the cursor and the folds of the rest stay. */
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
