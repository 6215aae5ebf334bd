/** Two texts side by side; the right one can be edited. */
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { MergeView } from "@codemirror/merge";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { useLatest } from "../look/use_latest";
import { editorTheme } from "./editor_theme";

export default function MergeEditor({
  theirs,
  mine,
  onChange,
}: {
  theirs: string;
  mine: string;
  onChange: (text: string) => void;
}) {
  const place = useRef<HTMLDivElement>(null);
  const latestOnChange = useLatest(onChange);
  useEffect(() => {
    const lineEnd = EditorState.lineSeparator.of(mine.includes("\r\n") ? "\r\n" : "\n");
    const view = new MergeView({
      parent: place.current!,
      a: {
        doc: theirs,
        extensions: [
          editorTheme,
          lineEnd,
          EditorState.readOnly.of(true),
          EditorView.contentAttributes.of({ "aria-label": "On disk" }),
        ],
      },
      b: {
        doc: mine,
        extensions: [
          editorTheme,
          lineEnd,
          history(),
          keymap.of([...defaultKeymap, ...historyKeymap]),
          EditorView.contentAttributes.of({ "aria-label": "Yours" }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latestOnChange.current(update.state.sliceDoc());
          }),
        ],
      },
      revertControls: "a-to-b",
      collapseUnchanged: { margin: 3, minSize: 6 },
      gutter: true,
    });
    return () => view.destroy();
  }, [theirs, mine, latestOnChange]);
  return <div className="merge-editor" ref={place} />;
}
