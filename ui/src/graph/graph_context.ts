/** The context that all nodes of one drawing share. */
import { createContext } from "react";

export interface GraphContextValue {
  editable: boolean;
  /** Whether ports are to be seen, and connected. */
  ports: boolean;
  /** Whether the picture is of a run. */
  live: boolean;
  /** Open or close a sub-workflow. */
  toggle: (key: string) => void;
  /** Fold the inputs of a step that are left alone, or show them. */
  fold: (key: string) => void;
}

export const GraphContext = createContext<GraphContextValue>({
  editable: false,
  ports: true,
  live: false,
  toggle: () => {},
  fold: () => {},
});
