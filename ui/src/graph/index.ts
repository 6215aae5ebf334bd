/** The exports of the drawing for the pages. */
export { WorkflowGraph } from "./WorkflowGraph";
export { DRAGGED } from "./props";
export type { End, Fit, GraphHandle, Move, WorkflowGraphProps } from "./props";
export type * from "./model";
export { isWire, parentKey, parentKeys } from "./keys";
export { isArray, portKind, shortType } from "./port_kinds";
