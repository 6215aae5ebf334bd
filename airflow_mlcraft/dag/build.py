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
from airflow_mlcraft.layout.layout import build_layout
from airflow_mlcraft.layout.tasks import StepLayout, WorkflowLayout
from airflow_mlcraft.operators.assets import data_alias
from airflow_mlcraft.operators.base import ITEM_NAME, CwlOperator
from airflow_mlcraft.operators.ml import find_operator_class
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
        layout = build_layout(self.plan, self.prefix)
        root = layout.root
        first = self._task(
            CwlInputsOperator,
            root.inputs_task_id,
            root,
            "",
            {"inputs": inputs, "trigger_rule": "all_success"},
            name="inputs",
        )
        self._make(root)
        self._join(root)
        # In a larger DAG, other tasks take single outputs.
        single = {"multiple_outputs": bool(self.prefix)}
        last = self._task(CwlOutputsOperator, layout.outputs_task_id, root, "", single, name="outputs")
        ends = [task for task in self.tasks.values() if task is not last and not task.downstream_task_ids]
        read = {name for link in root.workflow.outputs for name in self._sources(root, link)}
        last.set_upstream([self.tasks[name] for name in sorted(read | {end.task_id for end in ends})])
        if layout.version_task_id:
            told = {"outlets": [data_alias(self.plan.document)]}
            self._task(CwlVersionOperator, layout.version_task_id, root, "", told, name="version data").set_upstream(
                last
            )
        return first, last

    # Tasks

    def _make(self, workflow_layout: WorkflowLayout) -> None:
        for step_layout in workflow_layout.steps.values():
            path = "/".join((*workflow_layout.path, step_layout.step.id))
            if step_layout.items_task_id:
                self._task(
                    CwlScatterOperator,
                    step_layout.items_task_id,
                    workflow_layout,
                    path,
                    {},
                    name=f"items of {step_layout.step.id}",
                    unmapped=True,
                )
            if step_layout.subworkflow is None:
                kind = find_operator_class(step_layout.step)
                self._task(
                    kind,
                    step_layout.task_id,
                    workflow_layout,
                    path,
                    {**args_of_step(step_layout.step), **kind.extra_task_args(self.plan.document)},
                    step_layout=step_layout,
                    name=step_layout.step.id,
                )
            else:
                self._group(step_layout, step_layout.subworkflow, path)

    def _group(self, step_layout: StepLayout, child: WorkflowLayout, path: str) -> None:
        with self._task_group(step_layout, child):
            if not child.is_scattered:
                self._task(
                    CwlFrameOperator, child.inputs_task_id, child, path, {}, name=f"inputs of {step_layout.step.id}"
                )
            self._make(child)

    def _task_group(self, step_layout: StepLayout, child: WorkflowLayout) -> TaskGroup:
        args: dict[str, Any] = {
            "group_id": step_layout.group_id.removeprefix(step_layout.parent.prefix),
            **args_of_group(step_layout.step),
        }
        if child.is_scattered and child.is_mapped_group:
            item = self.tasks[step_layout.items_task_id].output  # type: ignore[attr-defined]
            return MappedTaskGroup(expand_input=DictOfListsExpandInput({"item": item}), **args)
        return TaskGroup(**args)

    def _task(
        self,
        kind: type[CwlOperator],
        task_id: str,
        workflow_layout: WorkflowLayout,
        path: str,
        args: Mapping[str, Any],
        *,
        name: str,
        step_layout: StepLayout | None = None,
        unmapped: bool = False,
    ) -> Any:
        own = {
            "task_id": task_id.removeprefix(workflow_layout.prefix),
            "trigger_rule": AFTER_SKIPPED,
            "plan": self.plan.digest,
            "base": self.plan.base,
            "document": self.plan.document,
            "prefix": self.prefix,
            "step": path,
            **({"task_display_name": _shortened(name)} if name != task_id.removeprefix(workflow_layout.prefix) else {}),
            **args,
        }
        axis = step_layout.axis if step_layout else workflow_layout.axis
        if axis is None or unmapped:
            task: Any = kind(**own)
        elif workflow_layout.is_mapped_group:
            task = kind(**own, map_index_template=_ITEM_OF_GROUP)
        else:
            items = self.tasks[axis.items_task_id].output  # type: ignore[attr-defined]
            task = kind.partial(**own, map_index_template=_ITEM_NAME).expand(item=items)
        self.tasks[task_id] = task
        return task

    # Who waits for whom

    def _join(self, root: WorkflowLayout) -> None:
        for workflow_layout in root.walk():
            for step_layout in workflow_layout.steps.values():
                first = step_layout.items_task_id or step_layout.task_id
                waits_for = {name for link in step_layout.step.links for name in self._sources(workflow_layout, link)}
                self._after(first, waits_for | {workflow_layout.inputs_task_id})
                if step_layout.items_task_id and step_layout.subworkflow is None:
                    self._after(step_layout.task_id, {step_layout.items_task_id})

    def _after(self, task_id: str, upstream: Iterable[str]) -> None:
        names = sorted(name for name in upstream if name != task_id)
        self.tasks[task_id].set_upstream([self.tasks[name] for name in names])

    def _sources(self, workflow_layout: WorkflowLayout, link: Link) -> set[str]:
        """The tasks that make what a link brings."""
        names: set[str] = set()
        for source in link.sources:
            step, _, output = source.rpartition("/")
            names |= self._makers(workflow_layout.steps[step], output) if step else {workflow_layout.inputs_task_id}
        return names

    def _makers(self, step_layout: StepLayout, output: str) -> set[str]:
        shape = {step_layout.items_task_id} if step_layout.items_task_id else set()
        if step_layout.subworkflow is None:
            return shape | {step_layout.task_id}
        child = step_layout.subworkflow
        link = next(link for link in child.workflow.outputs if link.id == output)
        # Whether the sub-workflow was skipped is known to its first task.
        return shape | self._sources(child, link) | {child.inputs_task_id}


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"
