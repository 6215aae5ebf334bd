"""The worker processes of a fused task: each runs the tools of steps, one after the other.

The workers are forked from the task's process, so that modules are loaded once. They do not talk to Airflow: log lines
go to the task's process, which alone writes the log.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_mlcraft.cwl.plan import Plan, Workflow
from airflow_mlcraft.cwl.step_inputs import evaluate_loop_inputs, evaluate_step_inputs, select_tool_inputs
from airflow_mlcraft.layout.tasks import StepLayout, WorkflowLayout
from airflow_mlcraft.operators.fused_steps import StepJob, StepOutcome, loop_body
from airflow_mlcraft.operators.ml import find_operator_class
from airflow_mlcraft.operators.task_files import open_task_files
from airflow_mlcraft.operators.task_run import step_run

if TYPE_CHECKING:
    from multiprocessing.synchronize import Lock

    from airflow_mlcraft.store.store import Store
    from airflow_mlcraft.tracking.client import TrackingClient

EventHandler = Callable[["WorkerEvent"], None]


@dataclass(frozen=True)
class FusedTask:
    """A fused task: what its workers inherit from its process."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    try_number: int
    plan: Plan
    prefix: str
    store: Store
    tracking: TrackingClient | None


@dataclass(frozen=True)
class StepOfTask:
    """The identity of a step's run in a fused task, as that of a task instance."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    try_number: int

    @classmethod
    def of(cls, task: FusedTask, job: StepJob) -> StepOfTask:
        """The identity of a job: the task's id with the step's path, and the indexes of its items."""
        outer = "" if task.map_index < 0 else f"[{task.map_index}]"
        items = "".join(f"[{number}]" for number in job.index[:-1])
        task_id = f"{task.task_id}{outer}.{job.path}{items}"
        return cls(task.dag_id, task.run_id, task_id, job.index[-1] if job.index else -1, task.try_number)


@dataclass(frozen=True)
class WorkerEvent:
    """The start of a job in a worker (without a line), or a line of its log."""

    job: str
    time: float
    level: int = 0
    line: str | None = None


@dataclass
class _Worker:
    """The state of a worker process."""

    task: FusedTask
    events: multiprocessing.connection.Connection
    lock: Lock

    def send(self, event: WorkerEvent) -> None:
        with self.lock:
            self.events.send(event)


_worker: list[_Worker] = []


class WorkerPool:
    """At most `size` worker processes. `handle_event` is called in the thread that calls `read_events`."""

    def __init__(self, task: FusedTask, size: int, handle_event: EventHandler):
        context = multiprocessing.get_context("fork")
        self.events, writer = context.Pipe(duplex=False)
        self._handle_event = handle_event
        self.executor = ProcessPoolExecutor(
            size, mp_context=context, initializer=_start_worker, initargs=(_Worker(task, writer, context.Lock()),)
        )
        self._writer = writer

    def read_events(self) -> None:
        """Handle the events that have arrived."""
        while self.events.poll():
            self._handle_event(self.events.recv())

    def close(self) -> None:
        """End the workers once they are idle."""
        self.executor.shutdown(cancel_futures=True)
        self.read_events()
        self._writer.close()
        self.events.close()


def kill_workers() -> None:
    """End all worker processes of this process at once; the tools of each end with it."""
    for process in multiprocessing.active_children():
        process.kill()


def _start_worker(worker: _Worker) -> None:
    # The task's process handles both signals, and ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _worker[:] = [worker]
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with_parent, args=(parent.sentinel,), daemon=True).start()


def _end_with_parent(sentinel: int) -> None:
    """End this process when the task's process is gone, even if that was killed."""
    multiprocessing.connection.wait([sentinel])
    os._exit(1)


def run_in_worker(job: StepJob) -> StepOutcome:
    """Run a job in this worker process."""
    worker = _worker[0]
    worker.send(WorkerEvent(job.name, time.time()))
    step_layout = _find_step(worker.task.plan, job.path)
    if job.kind != "run":
        return _evaluate_loop(worker.task, job, step_layout)
    if step_layout.step.loop:
        step_layout.step = loop_body(step_layout.step)
    if isinstance(step_layout.step.run, Workflow):
        return _evaluate_subworkflow_inputs(worker.task, job, step_layout)
    return _run_tool(worker, job, step_layout)


def _evaluate_subworkflow_inputs(task: FusedTask, job: StepJob, step_layout: StepLayout) -> StepOutcome:
    step = step_layout.step
    with open_task_files(task.plan.base, task.store) as files:
        staged = files.stage(job.raw)
        inputs = evaluate_step_inputs(step, staged, step_layout.parent.workflow.expression_requirements)
        return StepOutcome(None if inputs is None else files.keep(select_tool_inputs(step, inputs)))


def _evaluate_loop(task: FusedTask, job: StepJob, step_layout: StepLayout) -> StepOutcome:
    """The inputs of the first or the next iteration of a loop."""
    step = step_layout.step
    requirements = step_layout.parent.workflow.expression_requirements
    with open_task_files(task.plan.base, task.store) as files:
        staged = files.stage(job.raw)
        if job.kind == "inputs":
            inputs = evaluate_step_inputs(replace(step, when=""), staged, requirements)
        else:
            inputs = evaluate_loop_inputs(step, staged["inputs"], staged["outputs"], requirements)
        return StepOutcome(files.keep(inputs))


def _run_tool(worker: _Worker, job: StepJob, step_layout: StepLayout) -> StepOutcome:
    """Run the tool of a step, by the operator that the step would have as a task."""
    task = worker.task
    operator = find_operator_class(step_layout.step)(
        task_id="step",
        plan=task.plan.digest,
        base=task.plan.base,
        document=task.plan.document,
        prefix=task.prefix,
        step=job.path,
    )
    operator.log_sink = lambda level, line: worker.send(WorkerEvent(job.name, time.time(), level, line))
    instance = StepOfTask.of(task, job)
    with (
        open_task_files(task.plan.base, task.store) as files,
        step_run(task.tracking, task.plan, instance, job.name) as operator.task_run,
    ):
        outputs = operator.run_item(job.raw, step_layout, instance, files)
    return StepOutcome(outputs, operator.updates)


def _find_step(plan: Plan, path: str) -> StepLayout:
    """A step inside of a fused step, which has no task of its own."""
    workflow, parents = plan.root, path.split("/")
    for name in parents[:-1]:
        run = workflow.step(name).run
        if not isinstance(run, Workflow):
            raise KeyError(path)
        workflow = run
    parent = WorkflowLayout(workflow, tuple(parents[:-1]), prefix="", inputs_task_id="", axis=None)
    return StepLayout(workflow.step(parents[-1]), parent, task_id="", axis=None)
