"""The operator of a fused step: all tools of its sub-workflow or scatter run in one task."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from airflow.sdk import Context

from airflow_mlcraft.common.text import shorten
from airflow_mlcraft.cwl.plan import Json, Step
from airflow_mlcraft.errors import ToolError
from airflow_mlcraft.layout.tasks import StepLayout
from airflow_mlcraft.operators.base import CwlPerItemOperator
from airflow_mlcraft.operators.values import Values
from airflow_mlcraft.runner.run_dag import count_cores

_MAX_ERRORS = 5
"""The number of failed steps that the task's error names."""


class CwlFusedOperator(CwlPerItemOperator):
    """Runs a sub-workflow or a scatter in this task: its steps in worker processes, side by side."""

    ui_color = "#e8f0fe"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._context: Context | None = None

    def execute(self, context: Context) -> Json:
        """The outputs of the fused step."""
        self._context = context
        return super().execute(context)

    def on_kill(self) -> None:
        """End the tools when the task is killed."""
        from airflow_mlcraft.operators.fused_workers import kill_workers

        kill_workers()

    def execute_item(self, values: Values, step_layout: StepLayout, item: int) -> dict[str, Json] | None:
        """The fused step's outputs, their files in the store; None when its condition is false."""
        raw = values.step_inputs(step_layout, item)
        return None if raw is None else asyncio.run(self._run(step_layout.step, raw))

    async def _run(self, step: Step, raw: dict[str, Json]) -> dict[str, Json] | None:
        from airflow_mlcraft.operators.fused_steps import FusedSteps, StepJob, StepOutcome
        from airflow_mlcraft.operators.fused_workers import run_in_worker

        loop = asyncio.get_running_loop()

        async with self._open_workers() as pool:

            async def run_job(job: StepJob, step: Step) -> StepOutcome:
                return await loop.run_in_executor(pool.executor, run_in_worker, job)

            steps = FusedSteps(run_job)
            try:
                outcome = await steps.run(step, self.step, raw)
            except Exception as error:
                pool.read_events()
                raise _failure(steps.errors, error) from None
            return outcome.values

    @asynccontextmanager
    async def _open_workers(self) -> AsyncIterator[Any]:
        from airflow_mlcraft.operators.fused_workers import FusedTask, WorkerEvent, WorkerPool
        from airflow_mlcraft.operators.task_files import open_store
        from airflow_mlcraft.operators.task_run import open_plan_tracking

        if self._context is None:
            raise RuntimeError("the task is not being executed")
        ti, plan = self._context["ti"], self.load_plan()
        index = -1 if ti.map_index is None else ti.map_index
        tracking = open_plan_tracking(plan)
        task = FusedTask(
            ti.dag_id, ti.run_id, ti.task_id, index, ti.try_number, plan, self.prefix, open_store(), tracking
        )

        def handle_event(event: WorkerEvent) -> None:
            if event.line is not None:
                self.log_line(event.level, f"{event.job}: {event.line}")

        _load_modules()
        loop = asyncio.get_running_loop()
        pool = WorkerPool(task, count_cores(), handle_event)
        loop.add_reader(pool.events.fileno(), pool.read_events)
        try:
            yield pool
        finally:
            loop.remove_reader(pool.events.fileno())
            pool.close()


def _load_modules() -> None:
    """Load what every worker needs, so that they inherit it."""
    import airflow_mlcraft.cwl.tool
    import airflow_mlcraft.store.values  # noqa: F401


def _failure(errors: list[tuple[str, Exception]], error: Exception) -> Exception:
    """The error of the task: that of the failed step, or a list of all of them."""
    if not errors:
        return error
    if len(errors) == 1:
        return errors[0][1]
    for name, one in errors[_MAX_ERRORS:]:
        logging.getLogger(__name__).error("%s: %s", name, one)
    lines = [f"{name}: {shorten(str(one), 500)}" for name, one in errors[:_MAX_ERRORS]]
    rest = f" and {len(errors) - _MAX_ERRORS} more" if len(errors) > _MAX_ERRORS else ""
    temporary = all(getattr(one, "temporary", False) for _, one in errors)
    return ToolError(f"{len(errors)} steps failed: {'; '.join(lines)}{rest}", temporary=temporary)
