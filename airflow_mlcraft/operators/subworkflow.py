"""The inputs of a sub-workflow, and the items of a scatter."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Context

from airflow_mlcraft.cwl.plan import Json, Step, Workflow
from airflow_mlcraft.cwl.scatter import Split, split
from airflow_mlcraft.cwl.step_inputs import evaluate, has_expressions, tool_inputs
from airflow_mlcraft.layout.tasks import StepLayout
from airflow_mlcraft.operators.base import CwlOperator, CwlPerItemOperator
from airflow_mlcraft.operators.failures import readable_failures
from airflow_mlcraft.operators.task_files import work
from airflow_mlcraft.operators.values import ITEMS, Items, Values
from airflow_mlcraft.operators.xcom_overflow import spilled


class CwlFrameOperator(CwlPerItemOperator):
    """Works out the inputs of a sub-workflow; all its tasks read them from here."""

    ui_color = "#f1f3f4"

    def one(self, values: Values, step_layout: StepLayout, item: int) -> dict[str, Json] | None:
        """The sub-workflow's inputs."""
        raw = values.step_inputs(step_layout, item)
        return None if raw is None else frame_job(step_layout, raw, self.base)


class CwlScatterOperator(CwlOperator):
    """Lists the items of a scattered step; Airflow maps the step's tasks over them."""

    ui_color = "#f1f3f4"

    def execute(self, context: Context) -> Json:
        """A short name for each item."""
        ti = context["ti"]
        with readable_failures():
            step_layout = self.layout().step(self.step)
            items = self._items(Values(ti), step_layout)
            ti.xcom_push(ITEMS, spilled(items.to_json()))
            return list(items.names)

    def _items(self, values: Values, step_layout: StepLayout) -> Items:
        around = step_layout.parent.axis
        parents = range(len(values.items(around).jobs)) if around else range(1)
        jobs: list[dict[str, Any] | None] = []
        belongs: list[int] = []
        shapes: list[tuple[int, ...] | None] = []
        for parent in parents:
            raw = values.step_inputs(step_layout, parent)
            if raw is None:
                shapes.append(None)
                continue
            made = split(step_layout.step, raw)
            shapes.append(made.shape)
            jobs += self._jobs(step_layout, made)
            belongs += [parent] * len(made.items)
        chunk = -(-len(jobs) // _most_instances()) or 1
        names = chunk_names([item_name(step_layout.step, job, number) for number, job in enumerate(jobs)], chunk)
        return Items(jobs, belongs, shapes, names, chunk)

    def _jobs(self, step_layout: StepLayout, made: Split) -> list[dict[str, Any] | None]:
        """A tool's task evaluates its own item's expressions; a workflow has many tasks, and one must do it."""
        if not isinstance(step_layout.step.run, Workflow):
            return list(made.items)
        return [frame_job(step_layout, item, self.base) for item in made.items]


def _most_instances() -> int:
    """Airflow refuses to map over more; a longer list is cut into chunks."""
    from airflow.configuration import conf

    return max(1, conf.getint("core", "max_map_length", fallback=1024))


def frame_job(step_layout: StepLayout, raw: dict[str, Json], base: str) -> dict[str, Json] | None:
    """The inputs of one run of a sub-workflow; None when its condition is false."""
    workflow = step_layout.step.run
    if not isinstance(workflow, Workflow):
        raise TypeError(f"{step_layout.step.id} runs a tool")
    job: dict[str, Json] | None = raw
    if has_expressions(step_layout.step):
        with work(base) as task:
            job = evaluate(step_layout.step, task.stage(raw), step_layout.parent.workflow.expression_requirements)
            job = None if job is None else task.keep(job)
    if job is None:
        return None
    given = tool_inputs(step_layout.step, job)
    return {
        port.id: port.default if given.get(port.id) is None and port.has_default else given.get(port.id)
        for port in workflow.inputs
    }


_MAX_LENGTH = 60


def item_name(step: Step, job: dict[str, Json] | None, index: int) -> str:
    """What tells an item from the others: its number and the values that are scattered."""
    if job is None:
        return f"{index} (skipped)"
    named = [name for name in (_named(job.get(input_id)) for input_id in step.scatter) if name]
    return _shortened(" · ".join([str(index), *named]))


def chunk_names(names: list[str], chunk: int) -> list[str]:
    """A name for each mapped instance: its item's, or its first and last item's."""
    if chunk == 1:
        return names
    return [_shortened(f"{names[i]} … {names[min(i + chunk, len(names)) - 1]}") for i in range(0, len(names), chunk)]


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_LENGTH else text[: _MAX_LENGTH - 1] + "…"


def _named(value: Json) -> str:
    if isinstance(value, dict):
        return str(value.get("basename") or str(value.get("location", "")).rpartition("/")[2])
    return "" if value is None or isinstance(value, list) else str(value)
