/** Running the document, and following its run. */
import { useCallback, useState } from "react";
import type { ApiError } from "../../api/fetch";
import { fetchDagGraph } from "../../api/runs";
import type { DagGraph, RunState } from "../../api/types";
import type { StepState } from "../../graph/model";
import { useRun } from "../../view/use_run";
import type { DocumentLibrary } from "../library";
import type { Session } from "../session";
import { dagIsThere } from "../start_run";
import type { Saving } from "./use_saving";
import type { Requests } from "./use_requests";
import type { OpenWindow } from "./window";

const NO_STATES = {};

export interface Running {
  /** Saves the document, and opens the form for the inputs of a run. */
  runNow: () => Promise<void>;
  following: { found: DagGraph; runId: string } | undefined;
  follow: (found: DagGraph, runId: string) => void;
  stopFollowing: () => void;
  run: RunState | undefined;
  error: ApiError | undefined;
  states: Readonly<Record<string, StepState>> | undefined;
}

export function useRunning(
  session: Session,
  library: DocumentLibrary,
  { saveNow, last }: Saving,
  { setTrouble, attempt }: Requests,
  open: OpenWindow,
  onProblems: () => void,
): Running {
  const [following, setFollowing] = useState<Running["following"]>();
  const { run, error } = useRun(following?.found.dag_id ?? "", following?.runId);

  const runNow = useCallback(async () => {
    if (session.state.findings.some((one) => one.severity === "error")) {
      onProblems();
      session.refuse("There are problems to be mended before it can run; they are listed below the picture.");
      return;
    }
    if (session.isChanged) {
      const outcome = await saveNow();
      if (outcome?.how !== "saved") return;
    }
    const id = last.current?.dagId ?? library.entry(session.state.path)?.dag_id;
    if (!id) return setTrouble({ kind: "refused", message: "This document is no DAG: mend its problems first." });
    await attempt("Waiting for the DAG…", async () => {
      await dagIsThere(id, last.current?.at);
      open({ name: "run", found: await fetchDagGraph(id) });
    });
  }, [session, saveNow, last, library, setTrouble, attempt, open, onProblems]);

  return {
    runNow,
    following,
    follow: (found, runId) => setFollowing({ found, runId }),
    stopFollowing: () => setFollowing(undefined),
    run,
    error,
    states: following ? (run?.steps ?? NO_STATES) : undefined,
  };
}
