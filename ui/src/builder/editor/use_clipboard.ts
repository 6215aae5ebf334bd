/** Copy, cut and paste of nodes, by the clipboard of the system. */
import { type RefObject, useLayoutEffect } from "react";
import type { GraphHandle } from "../../graph";
import { copySelection, pasteText, removeKeys } from "../actions";
import type { Session } from "../session";
import { isTyping } from "./typing";

export function useClipboard(session: Session, covered: boolean, handle: RefObject<GraphHandle | null>): void {
  useLayoutEffect(() => {
    const onCopy = (event: ClipboardEvent) => {
      if (isTyping(document.activeElement) || covered || getSelection()?.isCollapsed === false) return;
      const clip = copySelection(session);
      if (!clip || !event.clipboardData) return;
      event.clipboardData.setData("text/plain", clip);
      event.preventDefault();
      if (event.type === "cut") removeKeys(session, [...session.state.selection], session.state.graph.edges);
    };
    const onPaste = (event: ClipboardEvent) => {
      if (isTyping(document.activeElement) || covered) return;
      if (pasteText(session, event.clipboardData?.getData("text/plain") ?? "", handle.current)) event.preventDefault();
    };
    document.addEventListener("copy", onCopy);
    document.addEventListener("cut", onCopy);
    document.addEventListener("paste", onPaste);
    return () => {
      document.removeEventListener("copy", onCopy);
      document.removeEventListener("cut", onCopy);
      document.removeEventListener("paste", onPaste);
    };
  }, [session, covered, handle]);
}
