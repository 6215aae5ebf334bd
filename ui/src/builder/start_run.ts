/** From a saved document to a run of its DAG. */
import { AIRFLOW, ApiError, MLCRAFT, request, encodePathPart } from "../api/fetch";
import type { CwlFile } from "../api/types";

const PATIENCE = 90_000;
const EVERY = 700;

interface Dag {
  is_paused: boolean;
  last_parsed_time: string | null;
}

/** Waits until Airflow has parsed the document again, which each save requests. */
export async function dagIsThere(dagId: string, after: number | undefined): Promise<void> {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    try {
      const dag = await request<Dag>(`api/v2/dags/${encodePathPart(dagId)}`, { from: AIRFLOW });
      if (after === undefined || Date.parse(dag.last_parsed_time ?? "") >= after) {
        if (dag.is_paused)
          await request(`api/v2/dags/${encodePathPart(dagId)}?update_mask=is_paused`, {
            method: "PATCH",
            json: { is_paused: false },
            from: AIRFLOW,
          });
        return;
      }
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
    }
    if (Date.now() > deadline) {
      throw new ApiError(
        404,
        `Airflow has not made a DAG of this document yet (${dagId}). Look at its import errors, and whether its DAG processor runs.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY));
  }
}

export async function startRun(dagId: string, conf: Record<string, unknown>): Promise<string> {
  const run = await request<{ dag_run_id: string }>(`api/v2/dags/${encodePathPart(dagId)}/dagRuns`, {
    json: { conf, logical_date: null },
    from: AIRFLOW,
  });
  return run.dag_run_id;
}

export function uploadFile(dagId: string, file: File): Promise<CwlFile> {
  return request<CwlFile>(`api/dags/${encodePathPart(dagId)}/files?name=${encodePathPart(file.name)}`, {
    method: "POST",
    body: file,
    from: MLCRAFT,
  });
}
