/** The props that all forms of the inspector have. */
import type { Position } from "../../graph/model";
import type { HintSchema } from "../Hints";
import type { Session, State } from "../session";

export interface InspectorProps {
  session: Session;
  state: State;
  schema: HintSchema | undefined;
  onOpen: (path: string) => void;
  onConnect: () => void;
  /** The position of a new input or output of the workflow. */
  nextPlace: (kind: "input" | "output") => Position | undefined;
  standing: () => readonly { key: string; position: Position }[];
}
