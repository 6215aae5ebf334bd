/** A notice of a failure, and what to do about it. */
import { ApiError, AIRFLOW } from "../api/fetch";
import { goTo, outerAddress } from "../look/outer_page";
import { Button, Notice, OutLink } from "../look/widgets";

export function ErrorNotice({
  error,
  dagId,
  runId,
  again,
  whole = false,
}: {
  error: unknown;
  dagId: string;
  runId?: string | undefined;
  again: () => void;
  whole?: boolean;
}) {
  const told = error instanceof ApiError ? error : new ApiError(-1, String(error));
  const notice = <Words error={told} dagId={dagId} runId={runId} again={again} />;
  return whole ? <div className="view-alone">{notice}</div> : <div className="view-over">{notice}</div>;
}

function Words({
  error,
  dagId,
  runId,
  again,
}: {
  error: ApiError;
  dagId: string;
  runId: string | undefined;
  again: () => void;
}) {
  if (error.sessionEnded) {
    const login = () => {
      goTo(new URL(`auth/login?next=${encodeURIComponent(outerAddress())}`, AIRFLOW));
    };
    return (
      <Notice
        kind="warn"
        title="Your session has ended."
        action={
          <Button look="main" onClick={login}>
            Log in
          </Button>
        }
      >
        Log in again; you come back to this page.
      </Notice>
    );
  }
  if (error.forbidden) {
    return (
      <Notice kind="warn" title="You may not see this.">
        Your account has no permission to read {runId === undefined ? `the DAG ${dagId}` : `runs of the DAG ${dagId}`}.
        Who administers Airflow can give it.
      </Notice>
    );
  }
  if (error.gone) {
    return (
      <Notice
        kind="warn"
        title={runId === undefined ? "There is no workflow to draw here." : "There is nothing to show of this run."}
        action={
          runId === undefined ? (
            <Button onClick={again}>Look again</Button>
          ) : (
            <OutLink href={`dags/${encodeURIComponent(dagId)}/runs`} icon={false}>
              All runs
            </OutLink>
          )
        }
      >
        {error.message}
      </Notice>
    );
  }
  if (error.silent || error.status >= 500) {
    return (
      <Notice
        kind="bad"
        title={error.silent ? "Airflow does not answer." : "Airflow could not answer."}
        action={
          <Button icon="retry" onClick={again}>
            Try again
          </Button>
        }
      >
        {error.silent
          ? "It may be restarting, or the network is away. This page keeps trying."
          : `${error.message} The log of Airflow's API server says more.`}
      </Notice>
    );
  }
  return (
    <Notice
      kind="bad"
      title="This cannot be shown."
      action={
        <Button icon="retry" onClick={again}>
          Try again
        </Button>
      }
    >
      {error.message}
    </Notice>
  );
}
