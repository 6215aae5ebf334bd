"""The tasks of a plan: a task for each step, a mapped task for a scattered step, a task group for a sub-workflow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow.sdk import TaskGroup

from airflow_mlcraft.adapters.airflow_sdk import AbstractOperator, create_mapped_group
from airflow_mlcraft.common.text import shorten
from airflow_mlcraft.cwl.plan import Link, Plan, Step
from airflow_mlcraft.dag.task_args import build_group_args, build_task_args
from airflow_mlcraft.layout.layout import build_layout
from airflow_mlcraft.layout.tasks import StepLayout, WorkflowLayout
from airflow_mlcraft.operators.assets import data_alias
from airflow_mlcraft.operators.base import ITEM_NAME, CwlOperator
from airflow_mlcraft.operators.fused import CwlFusedOperator
from airflow_mlcraft.operators.ml import find_operator_class
from airflow_mlcraft.operators.run_inputs import CwlInputsOperator
from airflow_mlcraft.operators.run_outputs import CwlOutputsOperator, CwlVersionOperator
from airflow_mlcraft.operators.subworkflow import CwlFrameOperator, CwlScatterOperator

TRIGGER_RULE = "none_failed"
"""In CWL the outputs of a skipped step are null, and the steps that read them run."""
_MAX_NAME_LENGTH = 500
"""Characters of a display name; a column of Airflow's has 2,000."""
_ITEM_TEMPLATE = "{{ task.item }}"
# A task of a mapped group does not get its item from Airflow; it writes the name into its context as it runs.
_GROUP_ITEM_TEMPLATE = f"{{{{ {ITEM_NAME} }}}}"


def build_tasks(plan: Plan, *, prefix: str = "", inputs: Mapping[str, Any] | None = None) -> tuple[Any, Any]:
    """Add a plan's tasks to the current DAG and task group; returns the first and the last task."""
    return _TaskBuilder(plan, prefix).build_tasks(inputs)


@dataclass
class _TaskBuilder:
    plan: Plan
    prefix: str
    tasks: dict[str, AbstractOperator] = field(default_factory=dict)

    def build_tasks(self, inputs: Mapping[str, Any] | None) -> tuple[Any, Any]:
        layout = build_layout(self.plan, self.prefix)
        root = layout.root
        first = self._add_task(
            CwlInputsOperator,
            root.inputs_task_id,
            root,
            "",
            {"inputs": inputs, "trigger_rule": "all_success"},
            name="inputs",
        )
        self._add_steps(root)
        self._set_dependencies(root)
        # In a larger DAG, other tasks read single outputs.
        args = {"multiple_outputs": bool(self.prefix)}
        last = self._add_task(CwlOutputsOperator, layout.outputs_task_id, root, "", args, name="outputs")
        last_tasks = [task for task in self.tasks.values() if task is not last and not task.downstream_task_ids]
        read = {name for link in root.workflow.outputs for name in self._source_task_ids(root, link)}
        last.set_upstream([self.tasks[name] for name in sorted(read | {end.task_id for end in last_tasks})])
        if layout.version_task_id:
            outlets = {"outlets": [data_alias(self.plan.document)]}
            self._add_task(
                CwlVersionOperator, layout.version_task_id, root, "", outlets, name="version data"
            ).set_upstream(last)
        return first, last

    # Tasks

    def _add_steps(self, workflow_layout: WorkflowLayout) -> None:
        for step_layout in workflow_layout.steps.values():
            path = "/".join((*workflow_layout.path, step_layout.step.id))
            if step_layout.items_task_id:
                self._add_task(
                    CwlScatterOperator,
                    step_layout.items_task_id,
                    workflow_layout,
                    path,
                    {},
                    name=f"items of {step_layout.step.id}",
                    unmapped=True,
                )
            if step_layout.subworkflow is None:
                self._add_task(
                    self._operator_class(step_layout.step),
                    step_layout.task_id,
                    workflow_layout,
                    path,
                    self._step_args(step_layout.step),
                    step_layout=step_layout,
                    name=step_layout.step.id,
                )
            else:
                self._add_group(step_layout, step_layout.subworkflow, path)

    @staticmethod
    def _operator_class(step: Step) -> type[CwlOperator]:
        return CwlFusedOperator if step.fused else find_operator_class(step)

    def _step_args(self, step: Step) -> dict[str, Any]:
        args = build_task_args(step)
        return args if step.fused else {**args, **find_operator_class(step).extra_task_args(self.plan.document)}

    def _add_group(self, step_layout: StepLayout, child: WorkflowLayout, path: str) -> None:
        with self._open_group(step_layout, child):
            if not child.is_scattered:
                self._add_task(
                    CwlFrameOperator, child.inputs_task_id, child, path, {}, name=f"inputs of {step_layout.step.id}"
                )
            self._add_steps(child)

    def _open_group(self, step_layout: StepLayout, child: WorkflowLayout) -> TaskGroup:
        args: dict[str, Any] = {
            "group_id": step_layout.group_id.removeprefix(step_layout.parent.prefix),
            **build_group_args(step_layout.step),
        }
        if child.is_scattered and child.is_mapped_group:
            item = self.tasks[step_layout.items_task_id].output  # type: ignore[attr-defined]
            return create_mapped_group(item, **args)
        return TaskGroup(**args)

    def _add_task(
        self,
        operator_class: type[CwlOperator],
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
            "trigger_rule": TRIGGER_RULE,
            "plan": self.plan.digest,
            "base": self.plan.base,
            "document": self.plan.document,
            "prefix": self.prefix,
            "step": path,
            **(
                {"task_display_name": shorten(name, _MAX_NAME_LENGTH)}
                if name != task_id.removeprefix(workflow_layout.prefix)
                else {}
            ),
            **args,
        }
        axis = step_layout.axis if step_layout else workflow_layout.axis
        if axis is None or unmapped:
            task: Any = operator_class(**own)
        elif workflow_layout.is_mapped_group:
            task = operator_class(**own, map_index_template=_GROUP_ITEM_TEMPLATE)
        else:
            items = self.tasks[axis.items_task_id].output  # type: ignore[attr-defined]
            task = operator_class.partial(**own, map_index_template=_ITEM_TEMPLATE).expand(item=items)
        self.tasks[task_id] = task
        return task

    # Dependencies

    def _set_dependencies(self, root: WorkflowLayout) -> None:
        for workflow_layout in root.walk():
            for step_layout in workflow_layout.steps.values():
                first = step_layout.items_task_id or step_layout.task_id
                upstream = {
                    name for link in step_layout.step.links for name in self._source_task_ids(workflow_layout, link)
                }
                self._set_upstream(first, upstream | {workflow_layout.inputs_task_id})
                if step_layout.items_task_id and step_layout.subworkflow is None:
                    self._set_upstream(step_layout.task_id, {step_layout.items_task_id})

    def _set_upstream(self, task_id: str, upstream: Iterable[str]) -> None:
        names = sorted(name for name in upstream if name != task_id)
        self.tasks[task_id].set_upstream([self.tasks[name] for name in names])

    def _source_task_ids(self, workflow_layout: WorkflowLayout, link: Link) -> set[str]:
        """The tasks that a link's values come from."""
        names: set[str] = set()
        for source in link.sources:
            step, _, output = source.rpartition("/")
            names |= (
                self._producer_task_ids(workflow_layout.steps[step], output)
                if step
                else {workflow_layout.inputs_task_id}
            )
        return names

    def _producer_task_ids(self, step_layout: StepLayout, output: str) -> set[str]:
        shape = {step_layout.items_task_id} if step_layout.items_task_id else set()
        if step_layout.subworkflow is None:
            return shape | {step_layout.task_id}
        child = step_layout.subworkflow
        link = next(link for link in child.workflow.outputs if link.id == output)
        # The first task of the sub-workflow knows whether it was skipped.
        return shape | self._source_task_ids(child, link) | {child.inputs_task_id}
