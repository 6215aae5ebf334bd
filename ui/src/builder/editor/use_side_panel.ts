/** State of the panel beside the picture: forms or text, and the place that the text shows. */
import { type Dispatch, type RefObject, type SetStateAction, useState } from "react";
import * as edits from "../../document/edits";
import { lineOf, offsetOf } from "../../document/source";
import type { GraphHandle } from "../../graph";
import type { Session, State } from "../session";
import type { ListedProblem } from "../use_problems";

export type Side = "form" | "text";

export interface SidePanelState {
  side: Side;
  setSide: Dispatch<SetStateAction<Side>>;
  place: { line: number; column?: number } | undefined;
  /** Shows the place of a problem, in the drawing or in the text. */
  jump: (problem: ListedProblem) => void;
}

export function useSidePanel(
  session: Session,
  state: State,
  only: string | undefined,
  handle: RefObject<GraphHandle | null>,
): SidePanelState {
  const { workflow } = state;
  // A tool's form is in the middle, so there is space for its text.
  const [side, setSide] = useState<Side>(workflow ? "form" : "text");
  const [place, setPlace] = useState<SidePanelState["place"]>();

  const [shownFor, setShownFor] = useState<{ only: string | undefined; side: Side }>();
  if (shownFor?.only !== only || shownFor?.side !== side) {
    // The text shows the selected node when the selection or the side changes, and not after each edit.
    setShownFor({ only, side });
    const item = only && side === "text" && workflow && edits.itemOfKey(workflow, only);
    if (item && !state.broken) setPlace(lineOf(state.document.source, offsetOf(state.document.source, item.path)));
  }

  const jump = (problem: ListedProblem) => {
    if (problem.key && side === "form") {
      session.select(new Set([problem.key]));
      handle.current?.reveal(problem.key);
      return;
    }
    setSide("text");
    setPlace({ line: problem.line, column: problem.column });
  };

  return { side, setSide, place, jump };
}
