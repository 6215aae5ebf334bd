"""Run one task instance, or one trigger, in this process: Airflow's own task runner and Execution API."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.adapters.airflow_core import load_trigger, submit_trigger_event, submit_trigger_failure
from airflow_mlcraft.adapters.airflow_sdk import build_task_instance, run_task, run_trigger
from airflow_mlcraft.runner import logs
from airflow_mlcraft.runner.events import TaskFailure, task_label

if TYPE_CHECKING:
    from airflow_mlcraft.adapters.airflow_sdk import TaskInstance


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
        error = run_task(_instance(job), dag.get_task(job.task_id))
        return None if error is None else to_task_failure(error, job)
    finally:
        logs.set_task("airflow")


def to_task_failure(error: BaseException, job: Job) -> TaskFailure:
    temporary = any(getattr(cause, "temporary", False) is True for cause in logs.iterate_causes(error))
    return TaskFailure(job.task_id, job.map_index, str(error) or repr(error), type(error).__name__, temporary=temporary)


def _instance(job: Job) -> TaskInstance:
    return build_task_instance(
        id=job.id,
        task_id=job.task_id,
        dag_id=job.dag_id,
        run_id=job.run_id,
        try_number=job.try_number,
        map_index=job.map_index,
        dag_version_id=job.dag_version_id,
    )


def _wait_for_trigger(job: Job, trigger_id: int) -> None:
    """Run a trigger as the triggerer does: its first event, or its failure, makes the task ready to resume."""
    trigger = load_trigger(trigger_id)
    if trigger is None:
        return
    try:
        event = run_trigger(_instance(job), trigger)
    except (Exception, asyncio.CancelledError) as error:
        submit_trigger_failure(trigger_id, error)
        return
    if event is None:
        submit_trigger_failure(trigger_id, ["The trigger ended without an event."])
    else:
        submit_trigger_event(trigger_id, event)
