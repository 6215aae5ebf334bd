/** The data of the drawing, requested once, and again after a failure. */
import { useEffect, useState } from "react";
import type { DagGraph } from "../api/types";
import { fetchDagGraph } from "../api/runs";

export interface Loaded {
  found: DagGraph | undefined;
  error: unknown;
  again: () => void;
}

export function useGraph(dagId: string, runId: string | undefined, first: Promise<DagGraph>): Loaded {
  const [asked, setAsked] = useState(first);
  const [answer, setAnswer] = useState<{ found?: DagGraph; error?: unknown }>({});
  useEffect(() => {
    let here = true;
    asked.then(
      (found) => here && setAnswer({ found }),
      (error: unknown) => here && setAnswer((now) => ({ ...now, error })),
    );
    return () => {
      here = false;
    };
  }, [asked]);
  return { found: answer.found, error: answer.error, again: () => setAsked(fetchDagGraph(dagId, runId)) };
}
