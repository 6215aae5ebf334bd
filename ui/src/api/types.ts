/** Types of the responses of the REST routes. */
import type { Value } from "../document/value";
import type { Graph, Port, StepState, TaskState } from "../graph/model";

export interface ToolTask {
  task_id: string;
  items_task_id?: string;
  group?: string;
}

/** A port. Its type is CWL's short form if there is one; records, enums and unions of several types are JSON. */
export interface TypedPort extends Omit<Port, "type"> {
  type: Value;
}

export interface RunInput extends TypedPort {
  default?: unknown;
  /** The allowed texts for a value, or for each item of a list. */
  choices?: string[];
}

export interface DagGraph {
  dag_id: string;
  title: string;
  doc?: string | null;
  /** The path of the document below the documents folder, if it exists there. */
  path?: string | null;
  can_edit: boolean;
  graph: Graph;
  run_inputs: RunInput[];
}

export interface RunState {
  state: string;
  start?: string | null;
  end?: string | null;
  steps: Record<string, StepState>;
}

export interface StepItem {
  map_index: number;
  label: string;
  state: TaskState | null;
  start?: string | null;
  end?: string | null;
  tries: number;
}

/** A version of a value in the project's repository. */
export interface DataVersion {
  output?: string | null;
  path: string;
  commit?: string | null;
  md5?: string | null;
  changed?: boolean | null;
  href?: string | null;
}

export interface StepDetails {
  items: StepItem[];
  /** The command line, in the form for a shell. */
  command?: string | null;
  inputs?: Record<string, unknown> | null;
  outputs?: Record<string, unknown> | null;
  log_tail?: string | null;
  links: StepLinks;
}

export interface StepLinks {
  task?: string | null;
  mlflow?: string | null;
  /** The run whose outputs were reused. */
  made_by?: string | null;
  data?: DataVersion[];
}

/** A File or Directory of CWL. */
export interface CwlFile {
  class: "File" | "Directory";
  basename?: string;
  location?: string;
  path?: string;
  size?: number;
  checksum?: string;
  listing?: unknown[];
  secondaryFiles?: unknown[];
}

export interface Me {
  user: string;
  can_edit: boolean;
  folder: string;
  writable: boolean;
  why_not?: string | null;
  airflow: { dag_parsing_seconds: number };
  composer_form_default: boolean;
}

export interface DocumentEntry {
  path: string;
  name: string;
  label?: string | null;
  doc?: string | null;
  class: string;
  cwl_version?: string | null;
  origin: string;
  dag_id?: string | null;
  can_edit: boolean;
  modified?: string | null;
  size?: number | null;
  error?: string | null;
  inputs: (TypedPort & { optional?: boolean })[];
  outputs: TypedPort[];
  hint?: string | null;
  copy_to?: string | null;
  /** The documents that run it. */
  used_by?: string[];
}

export interface DocumentText {
  path: string;
  text: string;
  version: string;
  can_edit: boolean;
  dag_id?: string | null;
  modified?: string | null;
  by?: string | null;
}

export interface Problem {
  message: string;
  line?: number | null;
  column?: number | null;
  step?: string | null;
  severity: "error" | "warning" | "hint";
}
