/** The props and the handle of `WorkflowGraph`. */
import type { ReactNode, Ref } from "react";
import type { Size } from "./geometry";
import type { Keys } from "./key_sets";
import type { Graph, GraphEdge, Position, StepState } from "./model";
import type { Picture } from "./picture";

export type End = GraphEdge["from"];
export type Connecting = [from: End, to: End];
/** The effect of dropping a connection on a port. */
export type Fit = "fits" | "scatters" | undefined;

export interface WorkflowGraphProps {
  graph: Graph;
  states?: Readonly<Record<string, StepState>> | undefined;
  /** Keys of nodes and edges. */
  selection: Keys;
  onSelect: (keys: Keys) => void;
  /** Enter, or a double click on a node. */
  onEnter?: (key: string) => void;
  editable?: boolean;
  /** Middles of nodes, in the document's measure and whole numbers: what belongs into `sbg:x` and `sbg:y`. */
  onMove?: (moves: readonly Move[]) => void;
  onConnect?: (from: End, to: End) => void;
  canConnect?: (from: End, to: End) => Fit;
  onDelete?: (keys: readonly string[]) => void;
  /** A document has been dropped, dragged with the type `DRAGGED`. */
  onDrop?: (path: string, position: Position) => void;
  /** The text for an empty workflow. */
  empty?: ReactNode;
  label?: string;
  ref?: Ref<GraphHandle>;
}

export interface Move {
  key: string;
  position: Position;
}

export interface GraphHandle {
  fit: () => void;
  /** Open what hides a node, bring it to the middle, and give it the focus. */
  reveal: (key: string) => void;
  openAll: (open: boolean) => void;
  /** Where each of the outermost nodes would stand in a tidy picture, for `onMove` to be written. */
  tidied: () => Move[];
  /** Where each of the outermost nodes stands. */
  standing: () => Move[];
  /** The place nearest below a wanted one, in the document's measure, where a new box of this size lies on no other. */
  free: (size: Size, wanted: Position) => Position;
  /** How far copies have to be moved for none to lie on what stands. */
  freeShift: (copies: readonly Move[], first: Position) => Position;
  /** The middle of what is seen, in the document's measure. */
  middle: () => Position;
  /** What is drawn, and where. */
  drawn: () => { picture: Picture; places: Map<string, Position> };
}

export const DRAGGED = "application/x-mlcraft-document";
