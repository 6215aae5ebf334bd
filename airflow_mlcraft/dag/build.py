"""Make the tasks of a plan: one a step, a mapped one a scattered step, a group a sub-workflow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow.sdk import TaskGroup
from airflow.sdk.definitions._internal.abstractoperator import AbstractOperator
from airflow.sdk.definitions._internal.expandinput import DictOfListsExpandInput
from airflow.sdk.definitions.taskgroup import MappedTaskGroup

from airflow_mlcraft.cwl.plan import Link, Plan
from airflow_mlcraft.dag.task_args import args_of_group, args_of_step
from airflow_mlcraft.layout.frames import Frame, Place
from airflow_mlcraft.layout.layout import layout_of
from airflow_mlcraft.operators.assets import data_alias
from airflow_mlcraft.operators.base import ITEM_NAME, CwlOperator
from airflow_mlcraft.operators.ml import operator_of
from airflow_mlcraft.operators.run_inputs import CwlInputsOperator
from airflow_mlcraft.operators.run_outputs import CwlOutputsOperator, CwlVersionOperator
from airflow_mlcraft.operators.subworkflow import CwlFrameOperator, CwlScatterOperator

AFTER_SKIPPED = "none_failed"
"""A step that CWL skips gives nulls, and those who read them go on."""
_LONGEST_NAME = 500
"""Characters of a display name; a column of Airflow's has 2,000."""
_ITEM_NAME = "{{ task.item }}"
# A task of a mapped group is not told its item; it says the name itself, as it runs.
_ITEM_OF_GROUP = f"{{{{ {ITEM_NAME} }}}}"


def build(plan: Plan, *, prefix: str = "", inputs: Mapping[str, Any] | None = None) -> tuple[Any, Any]:
    """Make a plan's tasks in the DAG and group that are open; gives the first and the last task."""
    return _Builder(plan, prefix).build(inputs)


@dataclass
class _Builder:
    plan: Plan
    prefix: str
    tasks: dict[str, AbstractOperator] = field(default_factory=dict)

    def build(self, inputs: Mapping[str, Any] | None) -> tuple[Any, Any]:
        layout = layout_of(self.plan, self.prefix)
        root = layout.root
        first = self._task(
            CwlInputsOperator,
            root.entry,
            root,
            "",
            {"inputs": inputs, "trigger_rule": "all_success"},
            name="inputs",
        )
        self._make(root)
        self._join(root)
        # In a larger DAG, other tasks take single outputs.
        single = {"multiple_outputs": bool(self.prefix)}
        last = self._task(CwlOutputsOperator, layout.outputs, root, "", single, name="outputs")
        ends = [task for task in self.tasks.values() if task is not last and not task.downstream_task_ids]
        read = {name for link in root.workflow.outputs for name in self._sources(root, link)}
        last.set_upstream([self.tasks[name] for name in sorted(read | {end.task_id for end in ends})])
        if layout.version:
            told = {"outlets": [data_alias(self.plan.document)]}
            self._task(CwlVersionOperator, layout.version, root, "", told, name="version data").set_upstream(last)
        return first, last

    # Tasks

    def _make(self, frame: Frame) -> None:
        for place in frame.places.values():
            path = "/".join((*frame.path, place.step.id))
            if place.items:
                self._task(
                    CwlScatterOperator, place.items, frame, path, {}, name=f"items of {place.step.id}", unmapped=True
                )
            if place.child is None:
                kind = operator_of(place.step)
                self._task(
                    kind,
                    place.task_id,
                    frame,
                    path,
                    {**args_of_step(place.step), **kind.args_of(self.plan.document)},
                    place=place,
                    name=place.step.id,
                )
            else:
                self._group(place, place.child, path)

    def _group(self, place: Place, child: Frame, path: str) -> None:
        with self._task_group(place, child):
            if not child.scattered:
                self._task(CwlFrameOperator, child.entry, child, path, {}, name=f"inputs of {place.step.id}")
            self._make(child)

    def _task_group(self, place: Place, child: Frame) -> TaskGroup:
        args: dict[str, Any] = {
            "group_id": place.group.removeprefix(place.frame.prefix),
            **args_of_group(place.step),
        }
        if child.scattered and child.mapped_group:
            item = self.tasks[place.items].output  # type: ignore[attr-defined]
            return MappedTaskGroup(expand_input=DictOfListsExpandInput({"item": item}), **args)
        return TaskGroup(**args)

    def _task(
        self,
        kind: type[CwlOperator],
        task_id: str,
        frame: Frame,
        path: str,
        args: Mapping[str, Any],
        *,
        name: str,
        place: Place | None = None,
        unmapped: bool = False,
    ) -> Any:
        own = {
            "task_id": task_id.removeprefix(frame.prefix),
            "trigger_rule": AFTER_SKIPPED,
            "plan": self.plan.digest,
            "base": self.plan.base,
            "document": self.plan.document,
            "prefix": self.prefix,
            "step": path,
            **({"task_display_name": _shortened(name)} if name != task_id.removeprefix(frame.prefix) else {}),
            **args,
        }
        axis = place.axis if place else frame.axis
        if axis is None or unmapped:
            task: Any = kind(**own)
        elif frame.mapped_group:
            task = kind(**own, map_index_template=_ITEM_OF_GROUP)
        else:
            items = self.tasks[axis.items].output  # type: ignore[attr-defined]
            task = kind.partial(**own, map_index_template=_ITEM_NAME).expand(item=items)
        self.tasks[task_id] = task
        return task

    # Who waits for whom

    def _join(self, root: Frame) -> None:
        for frame in root.frames():
            for place in frame.places.values():
                first = place.items or place.task_id
                waits_for = {name for link in place.step.links for name in self._sources(frame, link)}
                self._after(first, waits_for | {frame.entry})
                if place.items and place.child is None:
                    self._after(place.task_id, {place.items})

    def _after(self, task_id: str, upstream: Iterable[str]) -> None:
        names = sorted(name for name in upstream if name != task_id)
        self.tasks[task_id].set_upstream([self.tasks[name] for name in names])

    def _sources(self, frame: Frame, link: Link) -> set[str]:
        """The tasks that make what a link brings."""
        names: set[str] = set()
        for source in link.sources:
            step, _, output = source.rpartition("/")
            names |= self._makers(frame.places[step], output) if step else {frame.entry}
        return names

    def _makers(self, place: Place, output: str) -> set[str]:
        shape = {place.items} if place.items else set()
        if place.child is None:
            return shape | {place.task_id}
        child = place.child
        link = next(link for link in child.workflow.outputs if link.id == output)
        # Whether the sub-workflow was skipped is known to its first task.
        return shape | self._sources(child, link) | {child.entry}


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"
