/** The keys of the picture. */
import type { KeyboardEvent } from "react";
import type { Position } from "./model";
import type { Direction } from "./neighbour";

/** The actions of keys; missing ones are not available. */
export interface Acts {
  /** Move what is selected. */
  move: ((by: Position) => void) | undefined;
  walk: (from: string | undefined, direction: Direction) => void;
  choose: (key: string, add: boolean) => void;
  enter: (key: string) => void;
  /** Open or close a sub-workflow. */
  toggle: (key: string) => void;
  remove: (() => void) | undefined;
  letGo: (() => void) | undefined;
  zoom: (way: "zoomIn" | "zoomOut") => void;
  showAll: () => void;
}

const ARROWS: Record<string, { direction: Direction; by: Position }> = {
  ArrowLeft: { direction: "left", by: { x: -1, y: 0 } },
  ArrowRight: { direction: "right", by: { x: 1, y: 0 } },
  ArrowUp: { direction: "up", by: { x: 0, y: -1 } },
  ArrowDown: { direction: "down", by: { x: 0, y: 1 } },
};
const STEP = { small: 10, large: 50 };

export function onKey(event: KeyboardEvent, acts: Acts): void {
  const target = event.target as HTMLElement;
  if (target.closest("input, textarea, select, [contenteditable]")) return;
  const act = actOf(event, target.dataset.key, acts);
  if (!act) return;
  act();
  event.preventDefault();
  event.stopPropagation();
}

function actOf(event: KeyboardEvent, key: string | undefined, acts: Acts): (() => void) | undefined {
  const command = event.ctrlKey || event.metaKey;
  const arrow = ARROWS[event.key];
  if (arrow && event.altKey) {
    const step = event.shiftKey ? STEP.large : STEP.small;
    const { move } = acts;
    return move && (() => move({ x: arrow.by.x * step, y: arrow.by.y * step }));
  }
  if (arrow) return () => acts.walk(key, arrow.direction);
  switch (event.key) {
    case "Enter":
    case " ":
      return key === undefined
        ? undefined
        : () => {
            acts.choose(key, event.shiftKey || command);
            if (event.key === "Enter") acts.enter(key);
          };
    case "o":
      return key === undefined || command ? undefined : () => acts.toggle(key);
    case "Delete":
    case "Backspace":
      return acts.remove;
    case "Escape":
      return acts.letGo;
    case "+":
    case "=":
      return () => acts.zoom("zoomIn");
    case "-":
      return event.ctrlKey ? undefined : () => acts.zoom("zoomOut");
    case "0":
      return event.ctrlKey ? undefined : () => acts.showAll();
    default:
      return undefined;
  }
}
