/** The dialog that is open above the editor. */
import type { DagGraph } from "../../api/types";
import type { Connection } from "../actions";

export type Window =
  | { name: "keys" | "rename" | "duplicate" | "delete" | "connect" | "composer" }
  | { name: "scatter"; connection: Connection }
  | { name: "conflict"; theirs: { text: string; version: string } }
  | { name: "run"; found: DagGraph };

export type OpenWindow = (window: Window) => void;
