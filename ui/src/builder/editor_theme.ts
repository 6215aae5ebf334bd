/** The theme and extensions of all text editors of the page. */
import { indentUnit, syntaxHighlighting, HighlightStyle } from "@codemirror/language";
import { yaml } from "@codemirror/lang-yaml";
import type { Extension } from "@codemirror/state";
import { EditorView, lineNumbers, highlightSpecialChars } from "@codemirror/view";
import { tags } from "@lezer/highlight";

/** The colours of ports are made for dots: letters need more contrast. */
function readable(colour: string): string {
  return `color-mix(in srgb, var(${colour}) 75%, var(--text))`;
}

const colours = HighlightStyle.define([
  { tag: [tags.definition(tags.propertyName), tags.propertyName], color: "var(--accent-strong)" },
  { tag: [tags.string, tags.special(tags.string)], color: readable("--port-text") },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: readable("--port-number") },
  { tag: tags.comment, color: "var(--text-faint)", fontStyle: "italic" },
  { tag: [tags.punctuation, tags.separator, tags.meta], color: "var(--text-soft)" },
  { tag: [tags.typeName, tags.labelName], color: "var(--port-directory)" },
]);

const look = EditorView.theme({
  "&": { height: "100%", backgroundColor: "var(--surface)", color: "var(--text)", fontSize: "12.5px" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--accent-soft)",
  },
  ".cm-gutters": { backgroundColor: "var(--sunken)", color: "var(--text-faint)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": {
    backgroundColor: "color-mix(in srgb, var(--accent-soft) 45%, transparent)",
  },
  ".cm-panels": { backgroundColor: "var(--raised)", color: "var(--text)" },
  ".cm-panels.cm-panels-top": { borderBottom: "1px solid var(--line)" },
  ".cm-panels.cm-panels-bottom": { borderTop: "1px solid var(--line)" },
  ".cm-textfield": { backgroundColor: "var(--surface)", border: "1px solid var(--line-strong)" },
  ".cm-button": { backgroundImage: "none", backgroundColor: "var(--sunken)", border: "1px solid var(--line-strong)" },
  ".cm-tooltip": { backgroundColor: "var(--raised)", color: "var(--text)", border: "1px solid var(--line)" },
  ".cm-searchMatch": { backgroundColor: "var(--warn-soft)" },
  "& .cm-searchMatch.cm-searchMatch-selected": {
    backgroundColor: "var(--accent-soft)",
    outline: "1px solid var(--accent)",
  },
  "& .cm-selectionMatch, &.cm-focused .cm-matchingBracket, &.cm-focused .cm-nonmatchingBracket": {
    backgroundColor: "var(--accent-soft)",
  },
  ".cm-changedLine": { backgroundColor: "var(--warn-soft) !important" },
  ".cm-collapsedLines": {
    backgroundColor: "var(--sunken) !important",
    color: "var(--text-soft)",
    backgroundImage: "none !important",
  },
});

/** For a text in YAML; JSON is a part of it. */
export const editorTheme: Extension = [
  look,
  lineNumbers(),
  highlightSpecialChars(),
  yaml(),
  indentUnit.of("  "),
  syntaxHighlighting(colours),
];
