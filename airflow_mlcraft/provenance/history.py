"""The executions of a run: each tool and workflow with inputs and outputs, from task events and XComs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.cwl.plan import Json, Plan, ToolRef, Workflow
from airflow_mlcraft.cwl.portable import restore_locations
from airflow_mlcraft.cwl.step_inputs import evaluate_step_inputs, select_tool_inputs
from airflow_mlcraft.errors import LinkError, MlcraftError
from airflow_mlcraft.layout.layout import build_layout
from airflow_mlcraft.layout.plan_cache import open_plan_cache
from airflow_mlcraft.layout.tasks import ScatterAxis, StepLayout, WorkflowLayout
from airflow_mlcraft.operators.task_files import open_task_files
from airflow_mlcraft.operators.values import Values
from airflow_mlcraft.operators.xcom_overflow import from_xcom
from airflow_mlcraft.provenance.parameters import short_name

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_mlcraft.runner.events import RunResult, TaskEvent


_FINISHED_STATES = ("success", "skipped")
_NOT_MAPPED = -1

Tasks = Mapping[tuple[str, int], "TaskEvent"]
"""The last event of each task instance."""


@dataclass
class Execution:
    """One execution of a process: of the document, or of a step's process for one item of its scatter."""

    process: ToolRef | Workflow
    steps: tuple[str, ...]
    """The path of steps to the process, from the outermost."""
    name: str
    """The steps with the numbers of scatter items, such as `outer/3/inner`; empty for the document."""
    inputs: Mapping[str, Json]
    outputs: Mapping[str, Json] = field(default_factory=dict)
    started: datetime | None = None
    ended: datetime | None = None
    failed: bool = False
    error: str = ""
    children: dict[str, list[Execution]] = field(default_factory=dict)
    """For a workflow, the executions of its steps; skipped steps are left out."""

    def iterate_all(self) -> Iterator[Execution]:
        """Iterate over this execution and all of its children."""
        yield self
        for executions in self.children.values():
            for execution in executions:
                yield from execution.iterate_all()


def build_execution(plan: Plan, result: RunResult, tasks: Tasks) -> Execution:
    """Build the execution of the document. The run's store must be the one in the settings."""
    return _ExecutionBuilder(plan, result, tasks).build()


class _XComs:
    """The XComs of the run, with the interface of a task instance."""

    map_index: int | None = None

    def __init__(self, result: RunResult):
        self._result = result

    def xcom_pull(self, task_ids: str, *, key: str = "return_value", map_indexes: Any = None) -> Any:
        # Without an index `Values` would pull all items at once; () makes it pull each item.
        return () if map_indexes is None else self._result.xcom(task_ids, map_indexes, key)


class _ExecutionBuilder:
    def __init__(self, plan: Plan, result: RunResult, tasks: Tasks):
        self._plan = plan
        self._result = result
        self._tasks = tasks
        self._root = build_layout(plan).root
        self._values = Values(_XComs(result))
        self._errors = {(failure.task_id, failure.map_index): failure.message for failure in result.failed}
        self._items_of_parent: dict[str, Mapping[int, Sequence[int]]] = {}

    def build(self) -> Execution:
        root_inputs = self._values.workflow_inputs(self._root, 0) or {}
        inputs = {port.id: root_inputs.get(port.id) for port in self._plan.root.inputs}
        execution = self._build_workflow(self._root, 0, (), "", inputs)
        times = [time for event in self._tasks.values() for time in (event.started, event.ended) if time]
        execution.started, execution.ended = min(times, default=None), max(times, default=None)
        execution.failed = not self._result.ok
        if execution.failed:
            messages = [f"{failure.task_id}: {failure.message}" for failure in self._result.failed]
            execution.error = "\n".join(messages) or self._result.reason
        return execution

    def _build_workflow(
        self, workflow_layout: WorkflowLayout, item: int, steps: tuple[str, ...], name: str, inputs: Mapping[str, Json]
    ) -> Execution:
        execution = Execution(workflow_layout.workflow, steps, name, inputs)
        for step_layout in workflow_layout.steps.values():
            if executions := self._build_step(step_layout, item, name):
                execution.children[step_layout.step.id] = executions
        inner = [one for executions in execution.children.values() for one in executions]
        execution.started = min((one.started for one in inner if one.started), default=None)
        execution.ended = max((one.ended for one in inner if one.ended), default=None)
        execution.failed = any(one.failed for one in inner) or not self._is_complete(workflow_layout, item)
        if not execution.failed:
            try:
                execution.outputs = self._values.outputs(workflow_layout, item)
            except LinkError as error:
                execution.failed, execution.error = True, str(error)
        return execution

    def _build_step(self, step_layout: StepLayout, item: int, parent_name: str) -> list[Execution]:
        """Build the executions of a step for one item of the outer scatter."""
        prefix = f"{parent_name}/" if parent_name else ""
        build = self._build_subworkflow if step_layout.subworkflow is not None else self._build_tool
        if not step_layout.step.scatter or step_layout.axis is None:
            executions = [build(step_layout, item, prefix + step_layout.step.id)]
        else:
            items = self._items_below(step_layout.axis, item)
            executions = [
                build(step_layout, index, f"{prefix}{step_layout.step.id}/{n}") for n, index in enumerate(items)
            ]
        return [execution for execution in executions if execution is not None]

    def _build_subworkflow(self, step_layout: StepLayout, item: int, name: str) -> Execution | None:
        if step_layout.subworkflow is None:
            return None
        inputs = self._values.workflow_inputs(step_layout.subworkflow, item)
        if inputs is None:
            return None
        return self._build_workflow(step_layout.subworkflow, item, step_layout.subworkflow.path, name, inputs)

    def _build_tool(self, step_layout: StepLayout, item: int, name: str) -> Execution | None:
        instance = self._instance(step_layout.axis, item)
        event = self._tasks.get((step_layout.task_id, instance))
        if event is None or event.started is None or event.state not in ("success", "failed"):
            return None
        failed = event.state == "failed"
        outputs = None if failed else self._read_outputs(step_layout, item, instance)
        if outputs is None and not failed:
            return None
        return Execution(
            step_layout.step.run,
            (*step_layout.parent.path, step_layout.step.id),
            name,
            self._read_inputs(step_layout, item),
            outputs or {},
            event.started,
            event.ended,
            failed,
            self._errors.get((step_layout.task_id, instance), ""),
        )

    def _read_inputs(self, step_layout: StepLayout, item: int) -> Mapping[str, Json]:
        try:
            if step_layout.step.scatter and step_layout.axis is not None:
                raw = self._values.items(step_layout.axis).jobs[item]
            else:
                raw = self._values.step_inputs(step_layout, item)
        except LinkError:
            # The same error has failed the step.
            return {}
        return compute_tool_inputs(step_layout, raw or {}, self._plan.base)

    def _read_outputs(self, step_layout: StepLayout, item: int, instance: int) -> Mapping[str, Json] | None:
        value = from_xcom(self._result.xcom(step_layout.task_id, instance))
        chunk = self._chunk(step_layout.axis)
        outputs: Mapping[str, Json] | None = value[item % chunk] if chunk > 1 and value is not None else value
        return outputs

    def _is_complete(self, workflow_layout: WorkflowLayout, item: int) -> bool:
        """Whether all tasks of a workflow succeeded or were skipped, for one item of the outer scatter."""
        for step_layout in workflow_layout.steps.values():
            scattered = bool(step_layout.items_task_id)
            states = [self._state(step_layout.items_task_id, workflow_layout.axis, item) if scattered else ""]
            if scattered and step_layout.axis is not None:
                states += [
                    self._state(step_layout.task_id, step_layout.axis, inner_item)
                    for inner_item in self._items_below(step_layout.axis, item)
                ]
            else:
                states.append(self._state(step_layout.task_id, step_layout.axis, item))
            if any(state and state not in _FINISHED_STATES for state in states):
                return False
        return True

    def _state(self, task_id: str, axis: ScatterAxis | None, item: int) -> str:
        event = self._tasks.get((task_id, self._instance(axis, item))) or self._tasks.get((task_id, _NOT_MAPPED))
        return event.state if event else "none"

    def _instance(self, axis: ScatterAxis | None, item: int) -> int:
        return _NOT_MAPPED if axis is None else item // self._chunk(axis)

    def _chunk(self, axis: ScatterAxis | None) -> int:
        return 1 if axis is None else self._values.items(axis).chunk

    def _items_below(self, axis: ScatterAxis, parent: int) -> Sequence[int]:
        """Return the items of a parent item, as `Items.below`, but computed for all parents in one pass."""
        if axis.items_task_id not in self._items_of_parent:
            found: dict[int, list[int]] = defaultdict(list)
            for index, parent_item in enumerate(self._values.items(axis).parents):
                found[parent_item].append(index)
            self._items_of_parent[axis.items_task_id] = found
        return self._items_of_parent[axis.items_task_id].get(parent, ())


def compute_tool_inputs(step_layout: StepLayout, raw: dict[str, Json], base: str) -> Mapping[str, Json]:
    """Compute the inputs of a step's tool by name, with their files in the store.

    The task does not store them, so expressions are evaluated again. `when` was true, since the tool ran.
    """
    tool = step_layout.step.run
    defaults = _defaults(open_plan_cache().tool(tool.digest)) if isinstance(tool, ToolRef) else {}
    has_expressions = any(link.value_from for link in step_layout.step.links)
    missing = {name: value for name, value in defaults.items() if raw.get(name) is None}
    if not has_expressions and not missing:
        return select_tool_inputs(step_layout.step, raw)
    try:
        with open_task_files(base) as task:
            job = raw
            if has_expressions:
                staged = task.stage(raw)
                job = task.keep(
                    evaluate_step_inputs(step_layout.step, staged, step_layout.parent.workflow.expression_requirements)
                    or staged
                )
            missing = {name: value for name, value in defaults.items() if job.get(name) is None}
            return select_tool_inputs(step_layout.step, {**job, **task.keep(restore_locations(missing, base))})
    except MlcraftError:
        # The expression has failed the step; its inputs before evaluation are returned.
        return select_tool_inputs(step_layout.step, raw)


def _defaults(document: Json) -> dict[str, Json]:
    return {short_name(port["id"]): port["default"] for port in document["inputs"] if port.get("default") is not None}
