/** The focus among the boxes: one can be reached by Tab, and the arrows lead on from there. */
import { type RefObject, useLayoutEffect } from "react";
import type { Picture } from "./picture";

const REACHED = '[data-key][tabindex="0"]';

export function useTabStop(frame: RefObject<HTMLElement | null>, drawn: Picture): void {
  useLayoutEffect(() => {
    if (frame.current?.querySelector(REACHED)) return;
    const first = frame.current?.querySelector<HTMLElement>("[data-key]");
    if (first) first.tabIndex = 0;
  }, [frame, drawn]);
}

/** The box that has the focus is the one that Tab comes back to. */
export function setTabStop(frame: HTMLElement, box: HTMLElement): void {
  for (const other of frame.querySelectorAll<HTMLElement>(REACHED)) other.tabIndex = -1;
  box.tabIndex = 0;
}

export function focusOn(frame: HTMLElement | null, key: string): void {
  frame?.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

/** Whether all of it is within the frame. */
export function isVisible(frame: HTMLElement, box: HTMLElement): boolean {
  const [seen, at] = [frame.getBoundingClientRect(), box.getBoundingClientRect()];
  return at.left >= seen.left && at.right <= seen.right && at.top >= seen.top && at.bottom <= seen.bottom;
}
