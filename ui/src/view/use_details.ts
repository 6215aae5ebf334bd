/** The details of a step's task instance; requested again when its state changes, and while it runs. */
import { useEffect, useState } from "react";
import { ApiError } from "../api/fetch";
import { fetchStepDetails } from "../api/runs";
import type { StepDetails } from "../api/types";
import type { StepState } from "../graph/model";
import { isActive } from "../look/states";

const RUNNING_INTERVAL = 4_000;

export function useDetails(
  dagId: string,
  runId: string | undefined,
  key: string,
  item: number | undefined,
  state: StepState | undefined,
) {
  const [answer, setAnswer] = useState<{ of?: string; found?: StepDetails; error?: ApiError }>({});
  const of = JSON.stringify([dagId, runId, key, item]);
  const change = JSON.stringify(state ?? null);
  const active = state !== undefined && isActive(state.state);
  useEffect(() => {
    if (runId === undefined) return;
    const aborted = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const once = async () => {
      try {
        const found = await fetchStepDetails(dagId, runId, key, item, aborted.signal);
        setAnswer({ of, found });
      } catch (problem) {
        if (aborted.signal.aborted) return;
        const error = problem instanceof ApiError ? problem : new ApiError(0, String(problem));
        setAnswer((now) => (now.of === of && now.found ? { ...now, error } : { of, error }));
        if (!error.silent) return;
      }
      if (active) timer = setTimeout(() => void (document.hidden || once()), RUNNING_INTERVAL);
    };
    void once();
    return () => {
      aborted.abort();
      clearTimeout(timer);
    };
  }, [of, dagId, runId, key, item, change, active]);
  return answer.of === of ? answer : {};
}
