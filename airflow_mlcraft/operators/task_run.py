"""The MLflow runs of tasks: of a CWL step, and of native code by `with tracked_run(context)`.

A run is opened when its task has something to log, and ended as the task ends, below the run of its whole DAG run.
"""

from __future__ import annotations

import json
import socket
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException
from airflow.sdk import Context

from airflow_mlcraft import settings
from airflow_mlcraft.common.environment_variables import set_variables
from airflow_mlcraft.layout.hints import has_machine_learning
from airflow_mlcraft.tracking import tags
from airflow_mlcraft.tracking.capture import document_tags, to_params
from airflow_mlcraft.tracking.names import DagRunName, StepName
from airflow_mlcraft.tracking.past_run import INPUTS
from airflow_mlcraft.tracking.run import TrackedRun

if TYPE_CHECKING:
    from airflow_mlcraft.cwl.plan import Json, Plan
    from airflow_mlcraft.tracking.client import TrackingClient

_SCALAR_TYPES = (str, int, float, bool)
_MAX_LOG_LINES = 20_000
"""The number of last lines of a task's log that its run keeps."""
_SYSTEM_METRICS_AFTER = 3.0
"""Seconds; a tool that ends earlier has no system metrics over time, only its usage at the end."""


def open_plan_tracking(plan: Plan) -> TrackingClient | None:
    """The tracking for the runs of a plan; None where they are not tracked."""
    choice = settings.get_choice("tracking")
    if choice == "never" or (choice == "auto" and not has_machine_learning(plan)):
        return None
    from airflow_mlcraft.hooks.mlflow import open_tracking

    return open_tracking()


def dag_run_name(ti: Any) -> DagRunName:
    """The name of a task's DAG run."""
    return DagRunName(ti.dag_id, ti.run_id)


class TaskRun:
    """The run of one try of a task. MLflow has no run of it before `open`."""

    def __init__(self, tracking: TrackingClient, name: StepName, run_tags: Mapping[str, str]):
        self.tracking = tracking
        self.name = name
        self._tags = run_tags
        self._run: TrackedRun | None = None
        self._lines: deque[str] = deque(maxlen=_MAX_LOG_LINES)

    def open(self, label: str = "") -> TrackedRun:
        """The run; the first call opens it, with `label` as part of its name."""
        if self._run is None:
            self.name = StepName(self.name.dag_run, self.name.task_id, self.name.map_index, self.name.try_number, label)
            self._run = self.tracking.open(self.name, tags={**self._tags, tags.WORKER: socket.gethostname()})
        return self._run

    def record_usage(self) -> AbstractContextManager[None]:
        """Log time and memory used in the block, and the machine's system metrics if it takes more than 3 seconds."""
        return self.open().system_metrics(after=_SYSTEM_METRICS_AFTER)

    def add_log_line(self, line: str) -> None:
        """Add a line to the copy of the task's log."""
        self._lines.append(line)

    def close(self, status: str = "FINISHED") -> None:
        """End the run. One that was never opened is opened for a failure only."""
        if self._run is None and status == "FINISHED":
            return
        run = self.open()
        if self._lines:
            run.text("\n".join(self._lines) + "\n", "log.txt")
        self.tracking.close(run, status)

    def link(self) -> str:
        """The URL of the run's page; empty where it is not known yet."""
        return self.tracking.run_url(self.name) if self._run is not None else ""


@contextmanager
def task_run(plan: Plan, ti: Any) -> Iterator[TaskRun | None]:
    """The run of a task, ended with the block; None where runs are not tracked."""
    tracking = open_plan_tracking(plan)
    if tracking is None:
        yield None
        return
    index = ti.map_index if ti.map_index is not None else -1
    run = TaskRun(tracking, StepName(dag_run_name(ti), ti.task_id, index, ti.try_number), _document_tags(plan))
    try:
        yield run
    except AirflowSkipException:
        run.close()
        raise
    except Exception as error:
        run.close("FAILED")
        if isinstance(error, AirflowFailException) or ti.try_number > ti.max_tries:
            # The last task, which ends the run of the DAG run, will not be executed.
            tracking.end(dag_run_name(ti), "FAILED")
        raise
    except BaseException:
        run.close("KILLED")
        raise
    run.close()


@contextmanager
def step_run(tracking: TrackingClient | None, plan: Plan, instance: Any, label: str) -> Iterator[TaskRun | None]:
    """The run of a step in a fused task, ended with the block; None where runs are not tracked."""
    if tracking is None:
        yield None
        return
    name = StepName(dag_run_name(instance), instance.task_id, instance.map_index, instance.try_number)
    run = TaskRun(tracking, name, _document_tags(plan))
    run.open(label)
    try:
        yield run
    except BaseException as error:
        run.close("FAILED" if isinstance(error, Exception) else "KILLED")
        raise
    run.close()


def begin_run(plan: Plan, ti: Any, inputs: Mapping[str, Json]) -> None:
    """Open the run of the DAG run, with its inputs as params."""
    tracking = open_plan_tracking(plan)
    if tracking is not None:
        texts = {INPUTS: json.dumps(inputs)}
        tracking.begin(
            dag_run_name(ti), tags=_document_tags(plan), params=to_params(select_params(inputs)), texts=texts
        )


def end_run(plan: Plan, ti: Any) -> None:
    """End the run of the DAG run as finished."""
    tracking = open_plan_tracking(plan)
    if tracking is not None:
        tracking.end(dag_run_name(ti))


def select_params(inputs: Mapping[str, Json]) -> dict[str, Json]:
    """The inputs that can be params: texts and numbers, and lists of them as JSON."""
    params: dict[str, Json] = {}
    for name, value in inputs.items():
        if isinstance(value, list) and value and all(isinstance(item, _SCALAR_TYPES) for item in value):
            params[name] = json.dumps(value)
        elif isinstance(value, _SCALAR_TYPES) and value != "":
            params[name] = value
    return params


def _document_tags(plan: Plan) -> dict[str, str]:
    """The tags of a plan's document, which name the process in it and the plan as well."""
    file_tags = document_tags(Path(plan.base) / plan.file)
    _, separator, fragment = plan.document.partition("#")
    return {**file_tags, tags.DOCUMENT: file_tags[tags.DOCUMENT] + separator + fragment, tags.PLAN: plan.digest}


_current: ContextVar[TrackedRun | None] = ContextVar("current", default=None)


def current_run() -> TrackedRun:
    """The run of the `tracked_run` block or `@task.tracked` task that is running; elsewhere a run that logs nothing."""
    return _current.get() or _disabled_run()


@contextmanager
def tracked_run(
    context: Context,
    *,
    label: str = "",
    function: Callable[..., Any] | None = None,
    arguments: Mapping[str, Any] | None = None,
    seed: int | None = None,
) -> Iterator[TrackedRun]:
    """The run of a task, ended with the block. Runs that mlflow starts in the block are its children.

    `function` and `arguments` are the call that is logged. Random numbers are seeded, with `seed` if it is given.
    """
    from airflow_mlcraft.hooks.mlflow import open_tracking

    tracking = open_tracking()
    if tracking is None:
        yield _disabled_run()
        return
    with _open_run(tracking, context, label=label, function=function, arguments=arguments, seed=seed) as run:
        token = _current.set(run)
        try:
            yield run
        finally:
            _current.reset(token)


@contextmanager
def _open_run(
    tracking: TrackingClient,
    context: Context,
    *,
    label: str,
    function: Callable[..., Any] | None,
    arguments: Mapping[str, Any] | None,
    seed: int | None,
) -> Iterator[TrackedRun]:
    from airflow_mlcraft.tracking import capture

    ti = context["ti"]
    index = -1 if ti.map_index is None else ti.map_index
    name = StepName(dag_run_name(ti), ti.task_id, index, ti.try_number, label)
    file_tags = document_tags(Path(ti.task.dag.fileloc))
    # The first task creates the run of the DAG run; the others repeat the same call.
    tracking.begin(name.dag_run, tags=file_tags, params=to_params(select_params(dict(context["params"]))))
    tracking.wait_for_store(name.dag_run)
    skipped: AirflowSkipException | None = None
    task_tags = {**file_tags, tags.WORKER: socket.gethostname()}
    with (
        capture.tracked_run(tracking, name, function, arguments, seed=seed, tags=task_tags) as run,
        set_variables(tracking.environment(name)),
    ):
        try:
            yield run
        except AirflowSkipException as skip:
            skipped = skip
    if skipped is not None:
        raise skipped


def _disabled_run() -> TrackedRun:
    """A run without tracking: its methods do nothing."""
    return TrackedRun(None, {"key": "", "tags": {}})
