"""The operator of a fused step: all tools of its sub-workflow or scatter run in one task."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from airflow_mlcraft.common.cores import count_cores
from airflow_mlcraft.common.text import shorten
from airflow_mlcraft.cwl.plan import Json, Step, Workflow
from airflow_mlcraft.errors import MlcraftError, ToolError
from airflow_mlcraft.layout.tasks import StepLayout
from airflow_mlcraft.operators.base import CwlPerItemOperator
from airflow_mlcraft.operators.values import Values
from airflow_mlcraft.operators.xcom_overflow import to_xcom

if TYPE_CHECKING:
    from airflow_mlcraft.operators.fused_journal import StepRecord
    from airflow_mlcraft.operators.fused_steps import StepJob, StepOutcome
    from airflow_mlcraft.operators.fused_workers import FusedTask, WorkerEvent

STEPS_KEY = "steps"
"""The XCom key of the states of the steps in a fused task."""
_PUSH_SECONDS = 2.0
"""Seconds between two XComs of the states while steps run."""
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
        return None if raw is None else _FusedRun(self, values.ti, item).run(step_layout.step, raw)

    def describe_task(self, ti: Any, item: int) -> FusedTask:
        """The task for its worker processes."""
        from airflow_mlcraft.operators.fused_workers import FusedTask
        from airflow_mlcraft.operators.task_files import open_store
        from airflow_mlcraft.operators.task_run import open_plan_tracking

        plan = self.load_plan()
        index = -1 if ti.map_index is None or ti.map_index < 0 else item
        return FusedTask(
            dag_id=ti.dag_id,
            run_id=ti.run_id,
            task_id=ti.task_id,
            map_index=index,
            try_number=ti.try_number,
            plan=plan,
            prefix=self.prefix,
            store=open_store(),
            tracking=open_plan_tracking(plan),
        )


class _FusedRun:
    """One run of a fused step: its workers, its journal, and the states of its steps."""

    def __init__(self, operator: CwlFusedOperator, ti: Any, item: int):
        from airflow_mlcraft.operators.fused_journal import Journal

        self._operator = operator
        self._ti = ti
        self._task = task = operator.describe_task(ti, item)
        self._journal = Journal(task.store, task.dag_id, task.run_id, task.task_id, task.map_index, task.plan.digest)
        self._records: dict[str, StepRecord] = {}
        self._pushed = 0.0

    def run(self, step: Step, raw: dict[str, Json]) -> dict[str, Json] | None:
        """The outputs of the fused step. Raises the error of the steps that have failed."""
        if self._task.try_number > 1:
            self._journal.load()
        try:
            outputs = asyncio.run(self._run(step, raw))
        finally:
            self._push_states(with_values=True)
        self._journal.remove()
        return outputs

    async def _run(self, step: Step, raw: dict[str, Json]) -> dict[str, Json] | None:
        from airflow_mlcraft.cwl import tool  # noqa: F401  loaded here, so that every worker inherits it
        from airflow_mlcraft.operators.fused_steps import FusedSteps
        from airflow_mlcraft.operators.fused_workers import WorkerPool, run_in_worker

        loop = asyncio.get_running_loop()
        cores = count_cores()
        slots = _Cores(cores)
        pool = WorkerPool(self._task, cores, self._handle_event)

        async def run_job(job: StepJob, step: Step) -> StepOutcome:
            record = self._add_record(job, step)
            if (outcome := self._journal.find(job)) is not None:
                self._operator.log_line(logging.INFO, f"{job.name}: its outputs are those of an earlier try")
                self._end(record, outcome)
                return outcome
            try:
                async with slots.reserve(step):
                    outcome = await loop.run_in_executor(pool.executor, run_in_worker, job)
            except BrokenProcessPool:
                record.error = "its worker process was killed; is there enough memory for it?"
                self._end(record)
                raise ToolError(f"{job.name}: {record.error}", temporary=True) from None
            except Exception as error:
                record.error = str(error)
                self._end(record)
                raise
            self._end(record, outcome)
            self._journal.add(job, outcome, record)
            return outcome

        steps = FusedSteps(run_job)
        loop.add_reader(pool.events.fileno(), pool.read_events)
        try:
            return (await steps.run(step, self._operator.step, raw)).values
        except MlcraftError as error:
            raise _summarize_errors(steps.errors, error) from None
        finally:
            loop.remove_reader(pool.events.fileno())
            pool.close()

    def _add_record(self, job: StepJob, step: Step) -> StepRecord:
        """The record of a job, which is shown if it runs a tool."""
        from airflow_mlcraft.operators.fused_journal import StepRecord

        record = StepRecord(job.path, job.index, inputs=job.raw)
        if job.kind == "run" and not isinstance(step.run, Workflow):
            self._records[job.name] = record
        return record

    def _handle_event(self, event: WorkerEvent) -> None:
        if event.line is not None:
            self._operator.log_line(event.level, f"{event.job}: {event.line}")
            return
        record = self._records.get(event.job)
        # The evaluation of the next iteration's inputs has the name of the iteration that has ended.
        if record is not None and record.end is None:
            record.state, record.start = "running", event.time
            self._push_states_if_due()

    def _end(self, record: StepRecord, outcome: StepOutcome | None = None) -> None:
        """Note the end of a step: with an outcome when it has not failed."""
        if outcome is None:
            record.state = "failed"
        else:
            record.state = "skipped" if outcome.values is None else "success"
            record.outputs = outcome.values
        record.end = time.time()
        record.start = record.start or record.end
        self._push_states_if_due()

    def _push_states_if_due(self) -> None:
        if time.monotonic() - self._pushed >= _PUSH_SECONDS:
            self._push_states()

    def _push_states(self, *, with_values: bool = False) -> None:
        from airflow_mlcraft.operators.fused_journal import to_json

        self._ti.xcom_push(STEPS_KEY, to_xcom(to_json(self._records, with_values=with_values)))
        self._pushed = time.monotonic()


class _Cores:
    """The cores of this machine, reserved by tools; one that needs more than there are gets all."""

    def __init__(self, count: int):
        self._count = count
        self._free = asyncio.Semaphore(count)
        self._several = asyncio.Lock()

    @asynccontextmanager
    async def reserve(self, step: Step) -> AsyncIterator[None]:
        """Reserve the cores of the step's ResourceRequirement within the block."""
        resources = step.resources or {}
        wanted = math.ceil(resources.get("coresMin", resources.get("coresMax", 1)))
        count = min(self._count, max(1, wanted))
        # One tool at a time collects several cores: two could wait for each other.
        async with self._several if count > 1 else nullcontext():
            for _ in range(count):
                await self._free.acquire()
        try:
            yield
        finally:
            for _ in range(count):
                self._free.release()


def _summarize_errors(errors: list[tuple[str, tuple[int, ...], Exception]], error: MlcraftError) -> Exception:
    """The error of the task: that of the failed step, or a list of all of them."""
    from airflow_mlcraft.operators.fused_steps import job_name

    if not errors:
        return error
    if len(errors) == 1:
        return errors[0][2]
    ordered = sorted(errors, key=lambda failed: failed[:2])
    lines = [f"{job_name(path, index)}: {shorten(str(one), 500)}" for path, index, one in ordered[:_MAX_ERRORS]]
    rest = f" and {len(errors) - _MAX_ERRORS} more" if len(errors) > _MAX_ERRORS else ""
    temporary = all(getattr(one, "temporary", False) for _, _, one in errors)
    return ToolError(f"{len(errors)} steps failed: {'; '.join(lines)}{rest}", temporary=temporary)
