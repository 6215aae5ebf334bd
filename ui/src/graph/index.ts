/** What the pages use of the drawing. */
export { WorkflowGraph, DRAGGED } from "./WorkflowGraph";
export type { End, Fit, GraphHandle, Move, WorkflowGraphProps } from "./WorkflowGraph";
export type * from "./model";
export { parentKey, parentKeys } from "./keys";
export { isArray, portKind, shortType } from "./port_kinds";
