"""Run one task instance, or one trigger, in this process: Airflow's own task runner and Execution API."""

from __future__ import annotations

import asyncio
import importlib
import signal
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from airflow.models.trigger import Trigger
from airflow.sdk.api.datamodels._generated import TaskInstance
from airflow.utils.session import create_session

from airflow_mlcraft.runner import logs
from airflow_mlcraft.runner.api import Supervisor
from airflow_mlcraft.runner.events import TaskFailure, task_label


@dataclass(frozen=True)
class Job:
    """The work of a worker: one try of a task, or the trigger that the task deferred to."""

    id: str
    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    try_number: int
    dag_version_id: str
    slots: int = 1
    trigger_id: int | None = None

    @property
    def label(self) -> str:
        return task_label(self.task_id, self.map_index)


def run_job(job: Job, dag: Any) -> TaskFailure | None:
    """Run the job. Its results are in the database afterwards, except for the exception, which is returned."""
    logs.set_task(job.label)
    try:
        if job.trigger_id is not None:
            _wait_for_trigger(job, job.trigger_id)
            return None
        result = Supervisor.start(
            what=_instance(job),
            task=dag.get_task(job.task_id),
            logger=structlog.get_logger(logger_name="task").bind(),
        )
        return None if result.error is None else to_task_failure(result.error, job)
    finally:
        logs.set_task("airflow")
        # Airflow leaves a signal handler behind that would call the finished task.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def to_task_failure(error: BaseException, job: Job) -> TaskFailure:
    temporary = any(getattr(cause, "temporary", False) is True for cause in logs.iterate_causes(error))
    return TaskFailure(job.task_id, job.map_index, str(error) or repr(error), type(error).__name__, temporary=temporary)


def _instance(job: Job) -> TaskInstance:
    return TaskInstance(
        id=UUID(job.id),
        task_id=job.task_id,
        dag_id=job.dag_id,
        run_id=job.run_id,
        try_number=job.try_number,
        map_index=job.map_index,
        dag_version_id=UUID(job.dag_version_id),
    )


def _wait_for_trigger(job: Job, trigger_id: int) -> None:
    """Run a trigger as the triggerer does: its first event, or its failure, makes the task ready to resume."""
    with create_session() as session:
        row = session.get(Trigger, trigger_id)
        if row is None:
            return
        module, _, name = row.classpath.rpartition(".")
        trigger = getattr(importlib.import_module(module), name)(**row.kwargs)
    try:
        event = Supervisor.run_trigger_in_process(  # type: ignore[no-untyped-call]
            trigger=trigger, ti=_instance(job)
        )
    except (Exception, asyncio.CancelledError) as error:
        with create_session() as session:
            Trigger.submit_failure(trigger_id, error, session=session)
        return
    with create_session() as session:
        if event is None:
            Trigger.submit_failure(trigger_id, ["The trigger ended without an event."], session=session)
        else:
            Trigger.submit_event(trigger_id, event, session=session)
