"""How the steps of a document are doing, out of what their tasks do: a step of many tasks begins and ends once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_mlcraft.layout.layout import layout_of

if TYPE_CHECKING:
    from airflow_mlcraft.cwl.plan import Plan
    from airflow_mlcraft.layout.frames import Place
    from airflow_mlcraft.runner.events import TaskEvent

STARTED, COMPLETED, FAILED = "started", "completed", "failed"
OnStep = Callable[[str, str, str], None]
"""Takes a step's id, its state and a sentence."""
_WELL = ("success", "skipped")
_BEGUN = ("running", *_WELL, "failed")


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
    """Listens to the tasks of a run, and tells what becomes of the steps of the outermost workflow."""

    def __init__(self, plan: Plan, tell: OnStep):
        self._tell = tell
        steps = [_Step(name, set(_tasks_of(place))) for name, place in layout_of(plan).root.places.items()]
        self._step_of = {task: step for step in steps for task in step.tasks}

    def on_event(self, event: TaskEvent) -> None:
        """A task came into another state."""
        step = self._step_of.get(event.task_id)
        if step is None or step.state in (COMPLETED, FAILED) or event.state not in _BEGUN:
            return
        if not step.state:
            self._now(step, STARTED, f"{step.id} has started")
        if event.state == "failed":
            self._now(step, FAILED, f"{step.id} has failed" + (f": {event.message}" if event.message else ""))
        elif event.state in _WELL and event.left == 0:
            step.open.discard(event.task_id)
            if not step.open:
                self._now(step, COMPLETED, f"{step.id} has completed")

    def _now(self, step: _Step, state: str, message: str) -> None:
        step.state = state
        self._tell(step.id, state, message)


def _tasks_of(place: Place) -> Iterator[str]:
    """All tasks that a step has: its own, what lists its items, and those of the workflow that it runs."""
    yield place.task_id
    if place.items:
        yield place.items
    if place.child is not None:
        yield place.child.entry
        for inner in place.child.places.values():
            yield from _tasks_of(inner)
