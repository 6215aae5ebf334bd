/** The routes about DAGs and their runs. */
import { ask, part } from "./fetch";
import type { DagGraph, RunState, StepDetails } from "./types";

/** Of the DAG as it was for the run, where there is one. */
export function dagGraph(dagId: string, runId?: string): Promise<DagGraph> {
  return ask(`api/dags/${part(dagId)}/graph${runId === undefined ? "" : `?run_id=${part(runId)}`}`);
}

export function runState(dagId: string, runId: string, signal?: AbortSignal): Promise<RunState> {
  return ask(`api/dags/${part(dagId)}/runs/${part(runId)}/state`, signal ? { signal } : {});
}

export function stepDetails(
  dagId: string,
  runId: string,
  key: string,
  mapIndex: number | undefined,
  signal?: AbortSignal,
): Promise<StepDetails> {
  const query = mapIndex === undefined ? "" : `?map_index=${mapIndex}`;
  return ask(`api/dags/${part(dagId)}/runs/${part(runId)}/steps/${part(key)}${query}`, signal ? { signal } : {});
}
