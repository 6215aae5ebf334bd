"""The tasks of a plan's workflows and steps: their ids, groups and scatters, and ids that Airflow accepts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from airflow_mlcraft.common.safe_names import with_hash_suffix
from airflow_mlcraft.cwl.plan import Step, Workflow

MAX_TASK_ID_LENGTH = 250
_MAX_GROUP_ID_LENGTH = 48
_MIN_GROUP_ID_LENGTH = 16
_RESERVED_FOR_TASK_NAME = 50
"""Characters that a group's prefix leaves for the names of its tasks."""
_INVALID_CHARACTER = re.compile(r"[^A-Za-z0-9_.-]")


@dataclass(frozen=True)
class ScatterAxis:
    """A scatter that tasks are mapped over."""

    items_task_id: str
    """The task that lists its items."""
    parent: ScatterAxis | None
    """The scatter around it."""


@dataclass
class WorkflowLayout:
    """The tasks of a workflow: the document's own, or one that a step runs."""

    workflow: Workflow
    path: tuple[str, ...]
    """The ids of the enclosing steps, from the outermost."""
    prefix: str
    """The prefix of the ids of its tasks."""
    inputs_task_id: str
    """The task that computes its inputs."""
    axis: ScatterAxis | None
    """The innermost scatter that its tasks are mapped over."""
    is_scattered: bool = False
    """Whether that scatter is declared by the step that runs this workflow."""
    is_mapped_group: bool = False
    """Whether its tasks are mapped together, as a group; otherwise each is mapped by itself."""
    steps: dict[str, StepLayout] = field(default_factory=dict)

    def walk(self) -> Iterator[WorkflowLayout]:
        """This workflow and all workflows below it."""
        yield self
        for step_layout in self.steps.values():
            if step_layout.subworkflow is not None:
                yield from step_layout.subworkflow.walk()


@dataclass
class StepLayout:
    """The tasks of a step."""

    step: Step
    parent: WorkflowLayout
    """The workflow that the step is part of."""
    task_id: str
    """The task that runs it; for a sub-workflow, the task that computes its inputs."""
    axis: ScatterAxis | None
    """The innermost scatter that the task is mapped over."""
    items_task_id: str = ""
    """The task that lists the items of its own scatter; "" without one."""
    group_id: str = ""
    """The task group of a sub-workflow."""
    subworkflow: WorkflowLayout | None = None
    inside: WorkflowLayout | None = None
    """The sub-workflow of a fused step, whose steps have no tasks of their own: for pages that show them."""
    has_task: bool = True
    """False for a step inside of a fused one, whose `task_id` is that of the fused step."""
    fused_path: str = ""
    """Of a step inside of a fused one, and of a fused tool with its items or iterations: its path in the plan."""


class TaskIds:
    """Generates ids that are unique below one prefix, whatever their case, and the same for the same names.

    A name that Airflow accepts stays as it is. Of another, the valid characters stay, and a hash makes it unique.
    """

    def __init__(self, prefix: str = ""):
        self.prefix = prefix
        self._used: set[str] = set()

    def task(self, name: str) -> str:
        """An id for a task."""
        return self._unique_id(name, name, MAX_TASK_ID_LENGTH - len(self.prefix))

    def group(self, name: str) -> str:
        """An id for a task group: without dots, and short enough to leave room for the names of its tasks."""
        left = MAX_TASK_ID_LENGTH - _RESERVED_FOR_TASK_NAME - len(self.prefix)
        limit = max(_MIN_GROUP_ID_LENGTH, min(_MAX_GROUP_ID_LENGTH, left))
        return self._unique_id(name, name.replace(".", "_"), limit)

    def _unique_id(self, name: str, preferred: str, limit: int) -> str:
        task_id = _INVALID_CHARACTER.sub("_", preferred)
        if task_id != name or len(task_id) > limit or not task_id or task_id.lower() in self._used:
            task_id = with_hash_suffix(task_id, limit, hashed=name).lstrip("_")
        while task_id.lower() in self._used:
            task_id = f"{task_id[: limit - 2]}_2" if not task_id.endswith("_2") else f"{task_id[:-2]}_3"
        self._used.add(task_id.lower())
        return task_id
