"""The tasks at the start of sub-workflows and scatters: the inputs of a sub-workflow, the items of a scattered step."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Context

from airflow_mlcraft.common.text import shorten
from airflow_mlcraft.cwl.plan import Json, Step, Workflow
from airflow_mlcraft.cwl.scatter import ScatterItems, compute_item_inputs
from airflow_mlcraft.cwl.step_inputs import evaluate_step_inputs, has_expressions, select_tool_inputs
from airflow_mlcraft.layout.tasks import StepLayout
from airflow_mlcraft.operators.base import CwlOperator, CwlPerItemOperator
from airflow_mlcraft.operators.failures import as_airflow_exceptions
from airflow_mlcraft.operators.task_files import open_task_files
from airflow_mlcraft.operators.values import ITEMS, Items, Values
from airflow_mlcraft.operators.xcom_overflow import to_xcom


class CwlFrameOperator(CwlPerItemOperator):
    """Computes the inputs of a sub-workflow, which all its tasks read."""

    ui_color = "#f1f3f4"

    def execute_item(self, values: Values, step_layout: StepLayout, item: int) -> dict[str, Json] | None:
        """The sub-workflow's inputs."""
        raw = values.step_inputs(step_layout, item)
        return None if raw is None else compute_subworkflow_inputs(step_layout, raw, self.base)


class CwlScatterOperator(CwlOperator):
    """Lists the items of a scattered step; Airflow maps the step's tasks over them."""

    ui_color = "#f1f3f4"

    def execute(self, context: Context) -> Json:
        """A short name for each item."""
        ti = context["ti"]
        with as_airflow_exceptions():
            step_layout = self.layout().step(self.step)
            items = self._items(Values(ti), step_layout)
            ti.xcom_push(ITEMS, to_xcom(items.to_json()))
            return list(items.names)

    def _items(self, values: Values, step_layout: StepLayout) -> Items:
        outer = step_layout.parent.axis
        outer_items = range(len(values.items(outer).jobs)) if outer else range(1)
        jobs: list[dict[str, Any] | None] = []
        parents: list[int] = []
        shapes: list[tuple[int, ...] | None] = []
        for parent in outer_items:
            raw = values.step_inputs(step_layout, parent)
            if raw is None:
                shapes.append(None)
                continue
            scattered = compute_item_inputs(step_layout.step, raw)
            shapes.append(scattered.shape)
            jobs += self._jobs(step_layout, scattered)
            parents += [parent] * len(scattered.inputs)
        chunk = -(-len(jobs) // _max_map_length()) or 1
        names = build_chunk_names(
            [build_item_name(step_layout.step, job, number) for number, job in enumerate(jobs)], chunk
        )
        return Items(jobs, parents, shapes, names, chunk)

    def _jobs(self, step_layout: StepLayout, scattered: ScatterItems) -> list[dict[str, Any] | None]:
        """The inputs of each item. Expressions of a sub-workflow's step are evaluated here, as it has many tasks."""
        if not isinstance(step_layout.step.run, Workflow):
            return list(scattered.inputs)
        return [compute_subworkflow_inputs(step_layout, item, self.base) for item in scattered.inputs]


def _max_map_length() -> int:
    """The number of instances that Airflow maps a task to at most; a longer list is cut into chunks."""
    from airflow.configuration import conf

    return max(1, conf.getint("core", "max_map_length", fallback=1024))


def compute_subworkflow_inputs(step_layout: StepLayout, raw: dict[str, Json], base: str) -> dict[str, Json] | None:
    """The inputs of one run of a sub-workflow; None when its condition is false."""
    workflow = step_layout.step.run
    if not isinstance(workflow, Workflow):
        raise TypeError(f"{step_layout.step.id} runs a tool")
    job: dict[str, Json] | None = raw
    if has_expressions(step_layout.step):
        with open_task_files(base) as files:
            job = evaluate_step_inputs(
                step_layout.step, files.stage(raw), step_layout.parent.workflow.expression_requirements
            )
            job = None if job is None else files.keep(job)
    if job is None:
        return None
    inputs = select_tool_inputs(step_layout.step, job)
    return {
        port.id: port.default if inputs.get(port.id) is None and port.has_default else inputs.get(port.id)
        for port in workflow.inputs
    }


_MAX_NAME_LENGTH = 60


def build_item_name(step: Step, job: dict[str, Json] | None, index: int) -> str:
    """The name of an item in a list of mapped tasks: its number, and its values of the scattered inputs."""
    if job is None:
        return f"{index} (skipped)"
    labels = [label for label in (_value_label(job.get(input_id)) for input_id in step.scatter) if label]
    return shorten(" · ".join([str(index), *labels]), _MAX_NAME_LENGTH)


def build_chunk_names(names: list[str], chunk: int) -> list[str]:
    """A name for each mapped instance: its item's, or those of the first and last item of its chunk."""
    if chunk == 1:
        return names
    return [
        shorten(f"{names[i]} … {names[min(i + chunk, len(names)) - 1]}", _MAX_NAME_LENGTH)
        for i in range(0, len(names), chunk)
    ]


def _value_label(value: Json) -> str:
    """A text or number as it is, a File or Directory by its name, nothing for a list."""
    if isinstance(value, dict):
        return str(value.get("basename") or str(value.get("location", "")).rpartition("/")[2])
    return "" if value is None or isinstance(value, list) else str(value)
