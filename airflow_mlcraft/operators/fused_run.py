"""One run of a fused step: its workers, its journal, the cores that tools reserve, and the states of its steps."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from airflow_mlcraft.common.cores import count_cores
from airflow_mlcraft.common.text import shorten
from airflow_mlcraft.cwl import tool  # noqa: F401  imported before the workers are forked, which inherit it
from airflow_mlcraft.cwl.plan import Json, Step, Workflow
from airflow_mlcraft.errors import MlcraftError, ToolError
from airflow_mlcraft.operators.base import CwlOperator
from airflow_mlcraft.operators.fused_journal import Journal
from airflow_mlcraft.operators.fused_steps import FusedSteps, StepJob, StepOutcome, job_name
from airflow_mlcraft.operators.fused_workers import FusedTask, WorkerEvent, WorkerPool, run_in_worker
from airflow_mlcraft.operators.task_files import open_store
from airflow_mlcraft.operators.task_run import open_plan_tracking
from airflow_mlcraft.operators.values import FUSED_STEPS
from airflow_mlcraft.operators.xcom_overflow import to_xcom

_PUSH_SECONDS = 2.0
"""Seconds between two XComs of the states while steps run."""
_MAX_ERRORS = 5
"""The number of failed steps that the task's error names."""


@dataclass
class StepRecord:
    """One run of a step in a fused task, as the web page shows it."""

    path: str
    index: tuple[int, ...]
    inputs: Json
    state: str = "queued"
    start: float | None = None
    end: float | None = None
    error: str = ""
    outputs: Json = None

    def to_json(self, *, with_values: bool) -> Json:
        """The fields; `with_values` also the inputs and outputs."""
        left_out = () if with_values else ("inputs", "outputs")
        return {name: value for name, value in vars(self).items() if name not in left_out}


class FusedRun:
    """One run of a fused step: its workers, its journal, and the states of its steps."""

    def __init__(self, operator: CwlOperator, ti: Any, item: int):
        plan = operator.load_plan()
        self._operator = operator
        self._ti = ti
        self._task = task = FusedTask(
            dag_id=ti.dag_id,
            run_id=ti.run_id,
            task_id=ti.task_id,
            map_index=-1 if ti.map_index is None or ti.map_index < 0 else item,
            try_number=ti.try_number,
            plan=plan,
            prefix=operator.prefix,
            store=open_store(),
            tracking=open_plan_tracking(plan),
        )
        self._journal = Journal(task.store, task.dag_id, task.run_id, task.task_id, task.map_index, plan.digest)
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
            self._journal.add(job, outcome)
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
        records = [record.to_json(with_values=with_values) for record in self._records.values()]
        self._ti.xcom_push(FUSED_STEPS, to_xcom(records))
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
        wanted = resources.get("coresMin", resources.get("coresMax", 1))
        count = math.ceil(min(self._count, max(1, wanted)))
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
    if not errors:
        return error
    if len(errors) == 1:
        return errors[0][2]
    ordered = sorted(errors, key=lambda failed: failed[:2])
    lines = [f"{job_name(path, index)}: {shorten(str(one), 500)}" for path, index, one in ordered[:_MAX_ERRORS]]
    rest = f" and {len(errors) - _MAX_ERRORS} more" if len(errors) > _MAX_ERRORS else ""
    temporary = all(getattr(one, "temporary", False) for _, _, one in errors)
    return ToolError(f"{len(errors)} steps failed: {'; '.join(lines)}{rest}", temporary=temporary)
