"""The same tracking for native tasks: `with tracked_run(context)`."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import AirflowSkipException
from airflow.sdk import Context

from airflow_mlcraft.operators.tracked import flow_of, plain_values
from airflow_mlcraft.tracking import tags
from airflow_mlcraft.tracking.capture import document_tags, readable
from airflow_mlcraft.tracking.names import StepName
from airflow_mlcraft.tracking.run import TrackedRun
from airflow_mlcraft.tracking.tracking import Tracking
from airflow_mlcraft.variables import variables

_current: ContextVar[TrackedRun | None] = ContextVar("current", default=None)


def current_run() -> TrackedRun:
    """The run of the task that is running; outside of one, a run that says nothing to anybody."""
    return _current.get() or _silent()


@contextmanager
def tracked_run(
    context: Context,
    *,
    label: str = "",
    function: Callable[..., Any] | None = None,
    arguments: Mapping[str, Any] | None = None,
    seed: int | None = None,
) -> Iterator[TrackedRun]:
    """The run of a task, below that of its DAG run, while it is worked on; what mlflow makes meanwhile is below it.

    `function` and `arguments` say what is called, and with what; random numbers are seeded, with `seed` if it is given.
    """
    from airflow_mlcraft.hooks.tracking import open_tracking

    tracking = open_tracking()
    if tracking is None:
        yield _silent()
        return
    with _begun(tracking, context, label=label, function=function, arguments=arguments, seed=seed) as run:
        token = _current.set(run)
        try:
            yield run
        finally:
            _current.reset(token)


@contextmanager
def _begun(
    tracking: Tracking,
    context: Context,
    *,
    label: str,
    function: Callable[..., Any] | None,
    arguments: Mapping[str, Any] | None,
    seed: int | None,
) -> Iterator[TrackedRun]:
    from airflow_mlcraft.tracking import tracked

    ti = context["ti"]
    index = -1 if ti.map_index is None else ti.map_index
    name = StepName(flow_of(ti), ti.task_id, index, ti.try_number, label)
    facts = document_tags(Path(ti.task.dag.fileloc))
    # Whichever task comes first makes the run above; the others say the same once more.
    tracking.begin(name.flow, tags=facts, params=readable(plain_values(dict(context["params"]))))
    tracking.made(name.flow)
    skipped: AirflowSkipException | None = None
    own = {**facts, tags.WORKER: socket.gethostname()}
    with (
        tracked.tracked_run(tracking, name, function, arguments, seed=seed, tags=own) as run,
        variables(tracking.environment(name)),
    ):
        try:
            yield run
        except AirflowSkipException as skip:
            skipped = skip
    if skipped is not None:
        raise skipped


def _silent() -> TrackedRun:
    return TrackedRun(None, {"key": "", "tags": {}})
