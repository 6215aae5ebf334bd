/** The CWL tab of a DAG or of a run. */
import { createRoot } from "react-dom/client";
import { fetchDagGraph } from "../api/runs";
import { ErrorBoundary } from "../look/ErrorBoundary";
import { followTheme } from "../look/theme";
import { App } from "./App";

const asked = new URLSearchParams(location.search);
const dagId = asked.get("dag_id") ?? "";
// On a DAG's tab Airflow leaves the placeholder as it is.
const given = asked.get("run_id") ?? "";
const runId = given && given !== "{RUN_ID}" ? given : undefined;

followTheme();
createRoot(document.getElementById("root")!).render(
  <ErrorBoundary>
    <App dagId={dagId} runId={runId} first={fetchDagGraph(dagId, runId)} />
  </ErrorBoundary>,
);
