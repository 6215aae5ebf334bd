/** Whether keys belong to a field, or to a window above the editor. */
export function isTyping(target: EventTarget | null): boolean {
  return (target as HTMLElement | null)?.closest?.("input, textarea, select, .cm-editor, dialog") != null;
}
