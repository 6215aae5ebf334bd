"""Where each step of a plan stands in a DAG: task ids, groups, and the scatters around them.

The DAG is built from this layout, and a running task finds the tasks that it depends on with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from airflow_mlcraft.cwl.fuse import STEPS, is_wrapped
from airflow_mlcraft.cwl.plan import Plan, Step, Workflow
from airflow_mlcraft.layout.hints import DataHint, read_data_hints
from airflow_mlcraft.layout.tasks import ScatterAxis, StepLayout, TaskIds, WorkflowLayout


@dataclass
class Layout:
    """The tasks of a plan."""

    plan: Plan
    root: WorkflowLayout
    outputs_task_id: str
    data_hints: tuple[DataHint, ...] = ()
    """The values that are versioned after each run."""
    version_task_id: str = ""
    """The task that versions them; "" where there are none."""

    def version_task_of(self, step: str) -> str:
        """The task that versions an output of the step with that path; "" where none does."""
        return self.version_task_id if any(hint.step == step for hint in self.data_hints) else ""

    @property
    def shown_root(self) -> WorkflowLayout:
        """The workflow as its document has it: without the step around all others when the whole workflow is fused."""
        if is_wrapped(self.root.workflow) and (inside := self.root.steps[STEPS].inside) is not None:
            return inside
        return self.root

    def shown_step(self, path: str) -> StepLayout:
        """The step with a path below `shown_root`, also inside of a fused step."""
        *outer, step = path.split("/")
        workflow_layout = self.shown_root
        for name in outer:
            inner = workflow_layout.steps[name].subworkflow or workflow_layout.steps[name].inside
            if inner is None:
                raise KeyError(path)
            workflow_layout = inner
        return workflow_layout.steps[step]

    def step(self, path: str) -> StepLayout:
        """The step with the path `a/b/c`."""
        *outer, step = path.split("/")
        return self.workflow("/".join(outer)).steps[step]

    def workflow(self, path: str) -> WorkflowLayout:
        """The workflow that the step with that path runs; the root for an empty path."""
        workflow_layout = self.root
        for name in path.split("/") if path else ():
            subworkflow = workflow_layout.steps[name].subworkflow
            if subworkflow is None:
                raise KeyError(path)
            workflow_layout = subworkflow
        return workflow_layout


@lru_cache(maxsize=64)
def build_layout(plan: Plan, prefix: str = "") -> Layout:
    """The layout of a plan below a group's prefix (`group.`), or as a DAG of its own."""
    ids = TaskIds(prefix)
    root = WorkflowLayout(workflow=plan.root, path=(), prefix=prefix, inputs_task_id="", axis=None)
    _add_steps(root, ids)
    root.inputs_task_id = prefix + ids.task("inputs")
    outputs_task_id, data_hints = prefix + ids.task("outputs"), read_data_hints(root)
    version_task_id = prefix + ids.task("version_data") if data_hints else ""
    return Layout(plan, root, outputs_task_id, data_hints, version_task_id)


def has_scatter(workflow: Workflow) -> bool:
    """Whether a scatter is anywhere in a workflow."""
    return any(
        not step.fused and (step.scatter or (isinstance(step.run, Workflow) and has_scatter(step.run)))
        for step in workflow.steps
    )


def _add_steps(workflow_layout: WorkflowLayout, ids: TaskIds) -> None:
    for step in workflow_layout.workflow.steps:
        workflow_layout.steps[step.id] = _step_layout(step, workflow_layout, ids)
    for step_layout in workflow_layout.steps.values():
        if step_layout.step.fused:
            path = (*workflow_layout.path, step_layout.step.id)
            shown_path = () if is_wrapped(workflow_layout.workflow) else path
            step_layout.inside = _layout_inside(step_layout, step_layout, path, shown_path)
            if step_layout.inside is None:
                step_layout.fused_path = "/".join(path)
            continue
        if step_layout.step.scatter:
            step_layout.items_task_id = workflow_layout.prefix + ids.task(f"{step_layout.step.id}.items")
            step_layout.axis = ScatterAxis(step_layout.items_task_id, workflow_layout.axis)
        if isinstance(step_layout.step.run, Workflow):
            step_layout.subworkflow = _add_subworkflow(step_layout, step_layout.step.run)


def _layout_inside(
    fused: StepLayout, outer: StepLayout, path: tuple[str, ...], shown_path: tuple[str, ...]
) -> WorkflowLayout | None:
    """The sub-workflow of a step in a fused one (or of the fused one itself), all steps with the task of that.

    `path` is that of the outer step in the plan, `shown_path` the one below `Layout.shown_root`.
    """
    workflow = outer.step.run
    if not isinstance(workflow, Workflow):
        return None
    inside = WorkflowLayout(workflow, shown_path, prefix="", inputs_task_id=fused.task_id, axis=fused.axis)
    for step in workflow.steps:
        name = (*path, step.id)
        inner = StepLayout(step, inside, fused.task_id, fused.axis, has_task=False, fused_path="/".join(name))
        inner.inside = _layout_inside(fused, inner, name, (*shown_path, step.id))
        inside.steps[step.id] = inner
    return inside


def _step_layout(step: Step, parent: WorkflowLayout, ids: TaskIds) -> StepLayout:
    if isinstance(step.run, Workflow) and not step.fused:
        group_id = parent.prefix + ids.group(step.id)
        return StepLayout(step, parent, task_id="", axis=parent.axis, group_id=group_id)
    return StepLayout(step, parent, task_id=parent.prefix + ids.task(step.id), axis=parent.axis)


def _add_subworkflow(step_layout: StepLayout, workflow: Workflow) -> WorkflowLayout:
    is_scattered, parent = bool(step_layout.step.scatter), step_layout.parent
    inherits = parent.is_mapped_group and not is_scattered
    subworkflow = WorkflowLayout(
        workflow=workflow,
        path=(*parent.path, step_layout.step.id),
        prefix=step_layout.group_id + ".",
        inputs_task_id=step_layout.items_task_id,
        axis=step_layout.axis,
        is_scattered=is_scattered,
        # Airflow refuses a mapping inside a mapped group; a scatter further in maps over all items at once.
        is_mapped_group=inherits or (is_scattered and parent.axis is None and not has_scatter(workflow)),
    )
    ids = TaskIds(subworkflow.prefix)
    _add_steps(subworkflow, ids)
    if not is_scattered:
        subworkflow.inputs_task_id = subworkflow.prefix + ids.task("inputs")
    step_layout.task_id = subworkflow.inputs_task_id
    return subworkflow
