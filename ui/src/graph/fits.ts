/** While a connection is drawn, the ports that take it light up; by hand, as no box needs to be drawn again for it. */
import type { End, Fit } from "./contract";

export function lightUp(frame: HTMLElement, end: End, outwards: boolean, canConnect: (from: End, to: End) => Fit): void {
  frame.classList.add("connecting");
  const wanted = outwards ? "target" : "source";
  for (const dot of frame.querySelectorAll<HTMLElement>(`.dot.${wanted}`)) {
    const other = { node: dot.dataset.node!, port: dot.dataset.port! };
    const fit = outwards ? canConnect(end, other) : canConnect(other, end);
    if (fit) (dot.closest(".port, .end") ?? dot).classList.add(fit);
  }
}

export function putOut(frame: HTMLElement): void {
  frame.classList.remove("connecting");
  for (const lit of frame.querySelectorAll(".fits, .scatters")) lit.classList.remove("fits", "scatters");
}
