/** Highlights the ports that a connection fits while it is drawn; in the DOM, so that no box is drawn again. */
import { type RefObject, useMemo, useRef } from "react";
import { useLatest } from "../look/use_latest";
import type { Connecting, End, Fit } from "./props";

type CanConnect = (...ends: Connecting) => Fit;

export interface ConnectionHighlight {
  /** `outwards` is from an output on to an input. */
  start: (from: End, outwards: boolean) => void;
  stop: () => void;
}

const HOVER_MS = 350;

export function useConnectionHighlight(
  frame: RefObject<HTMLElement | null>,
  canConnect: CanConnect,
  unfold: (node: string) => void,
): ConnectionHighlight {
  const stop = useRef(() => {});
  const latestCanConnect = useLatest(canConnect);
  return useMemo(
    () => ({
      start: (from, outwards) => {
        const { current } = frame;
        if (!current) return;
        const light = () =>
          lightUp(current, outwards, (other) =>
            outwards ? latestCanConnect.current(from, other) : latestCanConnect.current(other, from),
          );
        light();
        // What is unfolded on the way lights up, too.
        const watcher = new MutationObserver(light);
        watcher.observe(current, { childList: true, subtree: true });
        const rest = unfoldBelow(current, unfold);
        stop.current = () => {
          watcher.disconnect();
          rest();
          putOut(current);
        };
      },
      stop: () => stop.current(),
    }),
    [frame, unfold, latestCanConnect],
  );
}

function lightUp(frame: HTMLElement, outwards: boolean, fit: (other: End) => Fit): void {
  frame.classList.add("connecting");
  for (const dot of frame.querySelectorAll<HTMLElement>(`.dot.${outwards ? "target" : "source"}`)) {
    const found = fit({ node: dot.dataset.node!, port: dot.dataset.port! });
    if (found) (dot.closest(".port, .end") ?? dot).classList.add(found);
  }
  for (const row of outwards ? frame.querySelectorAll<HTMLElement>("[data-quiet]") : []) {
    const folded = JSON.parse(row.dataset.quiet!) as string[];
    if (folded.some((port) => fit({ node: row.dataset.node!, port }))) row.classList.add("fits");
  }
}

function putOut(frame: HTMLElement): void {
  frame.classList.remove("connecting");
  for (const lit of frame.querySelectorAll(".fits, .scatters")) lit.classList.remove("fits", "scatters");
}

/** Where the pointer lingers over inputs that are folded away and would fit, they are shown. */
function unfoldBelow({ ownerDocument: page }: HTMLElement, unfold: (node: string) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let over: HTMLElement | null = null;
  const moved = ({ clientX, clientY }: MouseEvent) => {
    const row = page.elementFromPoint(clientX, clientY)?.closest<HTMLElement>("[data-quiet].fits") ?? null;
    if (row === over) return;
    clearTimeout(timer);
    over = row;
    if (row) timer = setTimeout(() => unfold(row.dataset.node!), HOVER_MS);
  };
  page.addEventListener("mousemove", moved);
  return () => {
    clearTimeout(timer);
    page.removeEventListener("mousemove", moved);
  };
}
