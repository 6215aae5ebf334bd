"""What a run tells its caller: an event for each change of a task, and the result at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime


class LogSink(Protocol):
    """Takes one line of a log: which task ("airflow" for the engine), its level, the line."""

    def __call__(self, task: str, level: str, line: str, /) -> None: ...


class XComReader(Protocol):
    """Gives what a task pushed, or None."""

    def __call__(self, task_id: str, map_index: int = -1, key: str = "return_value") -> Any: ...


@dataclass(frozen=True)
class TaskEvent:
    """A task instance came into another state. `done` of `total` task instances are finished by now.

    `left` are the unfinished instances of the same task, as far as they are known.
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
    """Why it failed, where that is known."""

    @property
    def duration(self) -> float | None:
        if self.started is None or self.ended is None:
            return None
        return (self.ended - self.started).total_seconds()


@dataclass(frozen=True)
class TaskFailure:
    """Why a task instance failed for good. `temporary`: the exception said that another try may help."""

    task_id: str
    map_index: int
    message: str
    exception: str
    temporary: bool = False


@dataclass(frozen=True)
class RunResult:
    """How a run ended. `reason` is a sentence when the run failed for a reason that is no single task's."""

    state: str
    run_id: str
    failed: tuple[TaskFailure, ...]
    xcom: XComReader
    duration: float
    reason: str = ""

    @property
    def ok(self) -> bool:
        return self.state == "success"


def label(task_id: str, map_index: int) -> str:
    """How a task instance is called in logs."""
    return task_id if map_index < 0 else f"{task_id}[{map_index}]"


if TYPE_CHECKING:
    OnEvent = Callable[[TaskEvent], None]
