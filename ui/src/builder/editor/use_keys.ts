/** The keys of the builder. */
import { type RefObject, useLayoutEffect } from "react";
import type { GraphHandle } from "../../graph";
import { copySelection, pasteText } from "../actions";
import type { Session } from "../session";
import { isTyping } from "./typing";
import type { Editing } from "./use_editing";
import type { Running } from "./use_running";
import type { Saving } from "./use_saving";
import type { Side } from "./use_side_panel";
import type { OpenWindow } from "./window";

export interface Keys {
  session: Session;
  frame: RefObject<HTMLElement | null>;
  handle: RefObject<GraphHandle | null>;
  /** The one node that is selected. */
  only: string | undefined;
  /** Whether a dialog is open, which then handles the keys. */
  covered: boolean;
  saveNow: Saving["saveNow"];
  runNow: Running["runNow"];
  tidy: Editing["tidy"];
  addPort: Editing["addPort"];
  open: OpenWindow;
  setSide: (change: (now: Side) => Side) => void;
}

export function useKeys({
  session,
  frame,
  handle,
  only,
  covered,
  saveNow,
  runNow,
  tidy,
  addPort,
  open,
  setSide,
}: Keys): void {
  // Before the first frame, because a key may be pressed as soon as the page is visible.
  useLayoutEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const command = event.ctrlKey || event.metaKey;
      const key = event.key.toLowerCase();
      if (command && key === "s") void saveNow();
      else if (isTyping(event.target) || covered) return;
      else if (command && key === "enter") void runNow();
      else if (command && (key === "y" || (key === "z" && event.shiftKey))) session.redo();
      else if (command && key === "z") session.undo();
      else if (command && key === "a") session.select(new Set(session.state.graph.nodes.map((node) => node.key)));
      else if (command && key === "d") {
        const clip = copySelection(session);
        if (clip) pasteText(session, clip, handle.current);
      } else if (command || event.altKey) return;
      else if (key === "/") frame.current?.querySelector<HTMLInputElement>(".palette input")?.focus();
      else if (key === "c" && only) open({ name: "connect" });
      else if (key === "i") addPort("input");
      else if (key === "p") addPort("output");
      else if (key === "t") tidy();
      else if (key === "y") setSide((now) => (now === "form" ? "text" : "form"));
      else if (key === "?") open({ name: "keys" });
      else return;
      event.preventDefault();
      event.stopPropagation();
    };
    // Before the drawing handles Enter.
    addEventListener("keydown", onKey, true);
    return () => removeEventListener("keydown", onKey, true);
  }, [session, frame, handle, only, covered, saveNow, runNow, tidy, addPort, open, setSide]);
}
