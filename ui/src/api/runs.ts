/** The routes about DAGs and their runs. */
import { request, encodePathPart } from "./fetch";
import type { DagGraph, RunState, StepDetails } from "./types";

/** The graph of the DAG version of the run, if a run is given. */
export function fetchDagGraph(dagId: string, runId?: string): Promise<DagGraph> {
  return request(
    `api/dags/${encodePathPart(dagId)}/graph${runId === undefined ? "" : `?run_id=${encodePathPart(runId)}`}`,
  );
}

export function fetchRunState(dagId: string, runId: string, signal?: AbortSignal): Promise<RunState> {
  return request(`api/dags/${encodePathPart(dagId)}/runs/${encodePathPart(runId)}/state`, signal ? { signal } : {});
}

export function fetchStepDetails(
  dagId: string,
  runId: string,
  key: string,
  mapIndex: number | undefined,
  signal?: AbortSignal,
): Promise<StepDetails> {
  const query = mapIndex === undefined ? "" : `?map_index=${mapIndex}`;
  return request(
    `api/dags/${encodePathPart(dagId)}/runs/${encodePathPart(runId)}/steps/${encodePathPart(key)}${query}`,
    signal ? { signal } : {},
  );
}
