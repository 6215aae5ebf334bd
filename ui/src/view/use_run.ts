/** The state of a run: requested while the page is visible, often while it runs, and rarely afterwards. */
import { useCallback, useEffect, useRef, useState } from "react";
import { ApiError } from "../api/fetch";
import { fetchRunState } from "../api/runs";
import type { RunState } from "../api/types";

const RUNNING_INTERVAL = 2_000;
/** A run that has ended may be cleared, and go on. */
const ENDED_INTERVAL = 15_000;
const MAX_WAIT = 30_000;

export interface Following {
  run: RunState | undefined;
  error: ApiError | undefined;
  again: () => void;
}

export function useRun(dagId: string, runId: string | undefined): Following {
  const [run, setRun] = useState<RunState>();
  const [error, setError] = useState<ApiError>();
  const [turn, setTurn] = useState(0);
  const failures = useRef(0);

  useEffect(() => {
    if (runId === undefined) return;
    const aborted = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const once = async () => {
      timer = undefined;
      let wait: number | undefined;
      try {
        const found = await fetchRunState(dagId, runId, aborted.signal);
        failures.current = 0;
        setError(undefined);
        setRun((now) => (JSON.stringify(now) === JSON.stringify(found) ? now : found));
        wait = isOver(found.state) ? ENDED_INTERVAL : RUNNING_INTERVAL;
      } catch (problem) {
        if (aborted.signal.aborted) return;
        const told = problem instanceof ApiError ? problem : new ApiError(0, String(problem));
        setError(told);
        failures.current += 1;
        // Only temporary failures are retried.
        wait =
          told.silent || told.status >= 500 ? Math.min(MAX_WAIT, RUNNING_INTERVAL * 2 ** failures.current) : undefined;
      }
      if (wait !== undefined && !document.hidden) timer = setTimeout(() => void once(), wait);
    };
    const onVisibility = () => {
      clearTimeout(timer);
      if (!document.hidden) void once();
    };
    void once();
    document.addEventListener("visibilitychange", onVisibility);
    return () => {
      aborted.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisibility);
    };
  }, [dagId, runId, turn]);

  const again = useCallback(() => setTurn((now) => now + 1), []);
  return { run, error, again };
}

export function isOver(state: string): boolean {
  return state === "success" || state === "failed";
}
