"""Events of tasks, the progress of steps, and the result, which a run reports to its caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from airflow_mlcraft.layout.layout import build_layout

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from airflow_mlcraft.cwl.plan import Plan
    from airflow_mlcraft.layout.tasks import StepLayout


class LogSink(Protocol):
    """A callback for one line of a log: the task ("airflow" for the engine), the level, the line."""

    def __call__(self, task: str, level: str, line: str, /) -> None: ...


class XComReader(Protocol):
    """Returns the value that a task pushed, or None."""

    def __call__(self, task_id: str, map_index: int = -1, key: str = "return_value") -> Any: ...


@dataclass(frozen=True)
class TaskEvent:
    """A change of a task instance's state; `done` of `total` task instances have finished.

    `left` counts the unfinished instances of the same task, as far as they are known.
    """

    task_id: str
    map_index: int
    state: str
    try_number: int
    started: datetime | None
    ended: datetime | None
    rendered_map_index: str | None
    done: int
    total: int
    left: int = 0
    message: str = ""
    """The reason of a failure, if it is known."""

    @property
    def duration(self) -> float | None:
        if self.started is None or self.ended is None:
            return None
        return (self.ended - self.started).total_seconds()


OnEvent = Callable[[TaskEvent], None]


@dataclass(frozen=True)
class TaskFailure:
    """Why a task instance failed after its last try. `temporary`: its exception marks that another try may succeed."""

    task_id: str
    map_index: int
    message: str
    exception: str
    temporary: bool = False


@dataclass(frozen=True)
class RunResult:
    """How a run ended. `reason` is set when the run failed for a reason that is not one task's."""

    state: str
    run_id: str
    failed: tuple[TaskFailure, ...]
    xcom: XComReader
    duration: float
    reason: str = ""

    @property
    def ok(self) -> bool:
        return self.state == "success"


def task_label(task_id: str, map_index: int) -> str:
    """The name of a task instance in logs."""
    return task_id if map_index < 0 else f"{task_id}[{map_index}]"


STARTED, COMPLETED, FAILED = "started", "completed", "failed"
OnStep = Callable[[str, str, str], None]
"""A callback for a step's id, its state and a message."""
_SUCCEEDED = ("success", "skipped")
_STARTED_OR_ENDED = ("running", *_SUCCEEDED, "failed")


@dataclass
class _Step:
    id: str
    open: set[str]
    """The tasks that have not ended with all their instances."""
    state: str = ""
    tasks: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.tasks = frozenset(self.open)


class StepProgress:
    """Derives the states of the outermost workflow's steps from the events of a run's tasks."""

    def __init__(self, plan: Plan, on_step: OnStep):
        self._on_step = on_step
        steps = [
            _Step(name, set(_step_task_ids(step_layout))) for name, step_layout in build_layout(plan).root.steps.items()
        ]
        self._step_of = {task: step for step in steps for task in step.tasks}

    def on_event(self, event: TaskEvent) -> None:
        """Update the task's step, and report the step when its state changes."""
        step = self._step_of.get(event.task_id)
        if step is None or step.state in (COMPLETED, FAILED) or event.state not in _STARTED_OR_ENDED:
            return
        if not step.state:
            self._set_state(step, STARTED, f"{step.id} has started")
        if event.state == "failed":
            self._set_state(step, FAILED, f"{step.id} has failed" + (f": {event.message}" if event.message else ""))
        elif event.state in _SUCCEEDED and event.left == 0:
            step.open.discard(event.task_id)
            if not step.open:
                self._set_state(step, COMPLETED, f"{step.id} has completed")

    def _set_state(self, step: _Step, state: str, message: str) -> None:
        step.state = state
        self._on_step(step.id, state, message)


def _step_task_ids(step_layout: StepLayout) -> Iterator[str]:
    """The ids of all tasks of a step: its own, the one that lists its items, and those of its workflow."""
    yield step_layout.task_id
    if step_layout.items_task_id:
        yield step_layout.items_task_id
    if step_layout.subworkflow is not None:
        yield step_layout.subworkflow.inputs_task_id
        for inner in step_layout.subworkflow.steps.values():
            yield from _step_task_ids(inner)
