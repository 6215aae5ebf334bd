/** The progress of the followed run. */
import type { ApiError } from "../api/fetch";
import type { RunState } from "../api/types";
import { duration, seconds, useNow } from "../look/time";
import { IconButton, OutLink, StateBadge } from "../look/widgets";
import { isOver } from "../view/use_run";

export function RunBar({
  run,
  error,
  dagId,
  runId,
  onClose,
}: {
  run: RunState | undefined;
  error: ApiError | undefined;
  dagId: string;
  runId: string;
  onClose: () => void;
}) {
  const now = useNow(!run || !isOver(run.state));
  const length = run && duration(seconds(run.start ?? undefined, run.end ?? undefined, now));
  return (
    <div className="run-bar" role="status" aria-label="State of the run">
      <StateBadge state={run?.state ?? "queued"} />
      {length && <span className="toolbar-facts">{length}</span>}
      <span className="run-bar-words">{error ? error.message : words(run)}</span>
      <OutLink href={`/dags/${encodeURIComponent(dagId)}/runs/${encodeURIComponent(runId)}`}>Open the run</OutLink>
      <IconButton name="Stop following" icon="close" className="button-small" onClick={onClose} />
    </div>
  );
}

function words(run: RunState | undefined): string {
  if (!run) return "Starting…";
  if (run.state === "success") return "All steps have succeeded.";
  const failed = Object.entries(run.steps)
    .filter(([, step]) => step.state === "failed")
    .map(([key]) => key.slice(key.lastIndexOf(":") + 1));
  if (failed.length) return `${failed.join(", ")} failed: select it to see why.`;
  return run.state === "failed" ? "The run has failed." : "";
}
