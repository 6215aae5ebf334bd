"""The MLflow run of a task: opened when the task has something to do, ended as the task ends."""

from __future__ import annotations

import json
import socket
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException, task_decorator_factory
from airflow.providers.standard.decorators.python import _PythonDecoratedOperator
from airflow.sdk import Context
from airflow.sdk.definitions.context import KNOWN_CONTEXT_KEYS

from airflow_mlcraft import settings
from airflow_mlcraft.common.environment_variables import variables
from airflow_mlcraft.layout.hints import has_machine_learning
from airflow_mlcraft.tracking import tags
from airflow_mlcraft.tracking.capture import arguments, document_tags, readable
from airflow_mlcraft.tracking.client import Tracking
from airflow_mlcraft.tracking.names import DagRunName, StepName
from airflow_mlcraft.tracking.past_run import INPUTS
from airflow_mlcraft.tracking.run import TrackedRun

if TYPE_CHECKING:
    from airflow.sdk.bases.decorator import TaskDecorator

    from airflow_mlcraft.cwl.plan import Json, Plan
    from airflow_mlcraft.tracking.client import Tracking
    from airflow_mlcraft.tracking.run import TrackedRun


_PLAIN = (str, int, float, bool)
_LINES = 20_000
"""Of a task's log, the last that its run keeps."""
_MOMENT = 3.0
"""Seconds of a tool; what is over by then is measured at its end alone."""


def tracking_of(plan: Plan) -> Tracking | None:
    """Where the runs of a plan are tracked; None where they are not."""
    wanted = settings.get_choice("tracking")
    if wanted == "never" or (wanted == "auto" and not has_machine_learning(plan)):
        return None
    from airflow_mlcraft.hooks.mlflow import open_tracking

    return open_tracking()


def flow_of(ti: Any) -> DagRunName:
    """The name of a task's DAG run."""
    return DagRunName(ti.dag_id, ti.run_id)


class TaskRun:
    """One try of a task. Nothing is said of it to MLflow before it is opened."""

    def __init__(self, tracking: Tracking, name: StepName, facts: Mapping[str, str]):
        self.tracking = tracking
        self.name = name
        self._facts = facts
        self._run: TrackedRun | None = None
        self._lines: deque[str] = deque(maxlen=_LINES)

    def open(self, label: str = "") -> TrackedRun:
        """The run; the first call may name it."""
        if self._run is None:
            self.name = StepName(self.name.flow, self.name.task_id, self.name.map_index, self.name.try_number, label)
            self._run = self.tracking.open(self.name, tags={**self._facts, tags.WORKER: socket.gethostname()})
        return self._run

    def measured(self) -> AbstractContextManager[None]:
        """What is used, as metrics; and what the machine does meanwhile, if it takes longer than a moment."""
        return self.open().system_metrics(after=_MOMENT)

    def hear(self, line: str) -> None:
        """A line of the task's log."""
        self._lines.append(line)

    def close(self, status: str = "FINISHED") -> None:
        """End the run, if there is one; a failure is one in any case."""
        if self._run is None and status == "FINISHED":
            return
        run = self.open()
        if self._lines:
            run.text("\n".join(self._lines) + "\n", "log.txt")
        self.tracking.close(run, status)

    def link(self) -> str:
        """The run's page, where it is known by now."""
        return self.tracking.link(self.name) if self._run is not None else ""


@contextmanager
def task_run(plan: Plan, ti: Any) -> Iterator[TaskRun | None]:
    """The run of a task while it is worked on; None where runs are not tracked."""
    tracking = tracking_of(plan)
    if tracking is None:
        yield None
        return
    index = ti.map_index if ti.map_index is not None else -1
    run = TaskRun(tracking, StepName(flow_of(ti), ti.task_id, index, ti.try_number), _facts_of(plan))
    try:
        yield run
    except AirflowSkipException:
        run.close()
        raise
    except Exception as error:
        run.close("FAILED")
        if isinstance(error, AirflowFailException) or ti.try_number > ti.max_tries:
            # The task that would end the whole run will not come to it.
            tracking.end(flow_of(ti), "FAILED")
        raise
    except BaseException:
        run.close("KILLED")
        raise
    run.close()


def begin_run(plan: Plan, ti: Any, inputs: Mapping[str, Json]) -> None:
    """Make the run of the whole DAG run, with what it was given."""
    tracking = tracking_of(plan)
    if tracking is not None:
        texts = {INPUTS: json.dumps(inputs)}
        tracking.begin(flow_of(ti), tags=_facts_of(plan), params=readable(plain_values(inputs)), texts=texts)


def end_run(plan: Plan, ti: Any) -> None:
    """All steps are done."""
    tracking = tracking_of(plan)
    if tracking is not None:
        tracking.end(flow_of(ti))


def plain_values(inputs: Mapping[str, Json]) -> dict[str, Json]:
    """The inputs that are params: texts and numbers, and lists of them as JSON."""
    found: dict[str, Json] = {}
    for name, value in inputs.items():
        if isinstance(value, list) and value and all(isinstance(item, _PLAIN) for item in value):
            found[name] = json.dumps(value)
        elif isinstance(value, _PLAIN) and value != "":
            found[name] = value
    return found


def _facts_of(plan: Plan) -> dict[str, str]:
    """Which document it was."""
    found = document_tags(Path(plan.base) / plan.file)
    _, number, fragment = plan.document.partition("#")
    return {**found, tags.DOCUMENT: found[tags.DOCUMENT] + number + fragment, tags.PLAN: plan.digest}


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
    from airflow_mlcraft.hooks.mlflow import open_tracking

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
    from airflow_mlcraft.tracking import capture

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
        capture.tracked_run(tracking, name, function, arguments, seed=seed, tags=own) as run,
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


class TrackedOperator(_PythonDecoratedOperator):
    """Calls a Python function, and tracks the call.

    :param seed: where random numbers start; by default it follows from the task's name, so that a retry repeats it
    """

    custom_operator_name = "@task.tracked"
    ui_color = "#e8f5e9"

    def __init__(self, *, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self._context: Context | None = None

    def execute(self, context: Context) -> Any:
        """What the function returns."""
        self._context = context
        return super().execute(context)

    def execute_callable(self) -> Any:
        """Call the function."""
        with self._tracked():
            return super().execute_callable()

    async def aexecute_callable(self) -> Any:
        """Call the function, one that is to be awaited."""
        with self._tracked():
            return await super().aexecute_callable()

    def _tracked(self) -> AbstractContextManager[TrackedRun]:
        function = self.python_callable
        given = arguments(function, *self.op_args, **self.op_kwargs)
        # What Airflow itself passes is no choice of the user's.
        chosen = {name: value for name, value in given.items() if name not in _AIRFLOWS}
        if self._context is None:
            raise RuntimeError("the task is not being executed")
        return tracked_run(self._context, function=function, arguments=chosen, seed=self.seed)


_AIRFLOWS = {*KNOWN_CONTEXT_KEYS, "templates_dict"}


def tracked_task(
    python_callable: Callable[..., Any] | None = None, multiple_outputs: bool | None = None, **kwargs: Any
) -> TaskDecorator:
    """Make a task of a function, whose calls are tracked."""
    decorator: TaskDecorator = task_decorator_factory(
        python_callable=python_callable,
        multiple_outputs=multiple_outputs,
        decorated_operator_class=TrackedOperator,
        **kwargs,
    )
    return decorator
