/** The picture of a workflow, whichever way it is known: from a DAG's plan or from a document that is being edited. */

export interface Position {
  x: number;
  y: number;
}

/** One named, typed end of a step, or an input or output of the workflow. */
export interface Port {
  id: string;
  /** CWL's short form, such as `File[]` or `string?`; "" where it is not known. */
  type: string;
  label?: string;
  doc?: string;
  /** Whether the step scatters over this input. */
  scattered?: boolean;
  /** Of an input of a step: nothing goes into it, and nothing has to. */
  quiet?: boolean;
}

export type NodeKind = "input" | "output" | "step";

export interface GraphNode {
  /** `input:x`, `output:x` or `step:x`; below an opened sub-workflow the path of its steps comes first: `a/step:b`. */
  key: string;
  kind: NodeKind;
  /** The name in the document. */
  id: string;
  label: string;
  doc?: string;
  position?: Position;
  /** Of an input or output, its one port. */
  inputs: Port[];
  outputs: Port[];
  /** What a step runs. */
  tool?: { kind: "CommandLineTool" | "ExpressionTool" | "Workflow" | "Operation" | ""; name: string; hint?: string };
  scatter?: string[];
  scatterMethod?: string;
  when?: string;
  /** Whether all steps inside, or all items, run in one task. */
  fused?: boolean;
  /** The inputs that change from one iteration to the next, of a loop. */
  loop?: string[];
  /** The workflow that the step runs, where it is one. */
  inside?: Graph;
  problem?: string;
}

export interface GraphEdge {
  key: string;
  from: { node: string; port: string };
  to: { node: string; port: string };
}

export interface Graph {
  nodes: GraphNode[];
  edges: GraphEdge[];
}

export type TaskState =
  | "success"
  | "running"
  | "failed"
  | "upstream_failed"
  | "skipped"
  | "queued"
  | "scheduled"
  | "up_for_retry"
  | "up_for_reschedule"
  | "deferred"
  | "awaiting_input"
  | "restarting"
  | "removed"
  | "none";

/** The state of a step in a run; by `GraphNode.key`. */
export interface StepState {
  /** The combined state of all its task instances. */
  state: TaskState;
  /** How many task instances are in which state. */
  counts: Partial<Record<TaskState, number>>;
  retries: number;
  start?: string;
  end?: string;
  /** A failed item by its value. */
  failed?: { mapIndex: number; label: string }[];
}
