"""Worker processes: forked children that run one job after the other, and the pool of them in the parent."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing.connection
import os
import selectors
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.runner import database, logs

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from airflow_mlcraft.runner.events import TaskFailure
    from airflow_mlcraft.runner.task import Job


# Seconds between SIGTERM and SIGKILL for what a worker runs.
GRACE_SECONDS = 3.0


def run_worker(channel: Connection, lifeline: int, out: int, err: int, dag: Any) -> None:
    """Run jobs until the parent closes the channel, then exit. Never returns into the parent's code."""
    status = 1
    try:
        # A new session: a terminal's Ctrl-C reaches the parent only, which then ends this process and all that it
        # started as one process group.
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _redirect_streams(out, err)
        lock = threading.Lock()

        def to_parent(task: str, level: str, line: str) -> None:
            with lock:
                channel.send(("log", task, level, line))

        logs.set_sink(to_parent)
        threading.Thread(target=_exit_with_parent, args=(lifeline,), daemon=True).start()
        # Imported here, in parallel to the parent's imports.
        from airflow_mlcraft.runner.api import open_execution_api

        with open_execution_api():
            _serve(channel, lock, dag)
        status = 0
    finally:
        # Not sys.exit: the exit handlers of the parent must not run here.
        os._exit(status)


def _serve(channel: Connection, lock: Any, dag: Any) -> None:
    from airflow_mlcraft.runner.task import run_job, to_task_failure

    while True:
        try:
            job: Job = channel.recv()
        except (EOFError, ConnectionResetError):
            return
        try:
            failure = run_job(job, dag)
        except Exception as error:
            # The task runner itself failed: the parent then handles the task as one that did not end.
            logs.emit("error", f"{type(error).__name__}: {error}")
            failure = to_task_failure(error, job)
        sys.stdout.flush()
        sys.stderr.flush()
        with lock:
            channel.send(("done", failure))


def _redirect_streams(out: int, err: int) -> None:
    devnull = os.open(os.devnull, os.O_RDONLY)
    os.dup2(devnull, 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    for number in (devnull, out, err):
        os.close(number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115


def _exit_with_parent(lifeline: int) -> None:
    """End this process group with the parent: reading returns once the parent, which never writes, is gone."""
    os.read(lifeline, 1)
    os.killpg(0, signal.SIGTERM)
    threading.Event().wait(GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)


@dataclass(frozen=True)
class Outcome:
    """The end of a job. `lost` is a message when its worker died."""

    job: Job
    failure: TaskFailure | None = None
    lost: str = ""


@dataclass(eq=False)
class _Worker:
    pid: int
    channel: Connection
    lifeline: int
    # Output of tasks and their tools that bypasses the log: descriptor -> level, rest of a line.
    streams: dict[int, tuple[str, bytearray]]
    job: Job | None = None
    pidfd: int | None = field(default=None)

    def descriptors(self) -> list[int]:
        return [self.channel.fileno(), *self.streams, *([] if self.pidfd is None else [self.pidfd])]

    def close(self) -> None:
        for number in (*self.streams, self.lifeline, *([] if self.pidfd is None else [self.pidfd])):
            os.close(number)
        self.channel.close()


class _Process:
    """Whether this process has not run a DAG yet."""

    first_run = True


def mark_warm() -> None:
    """Mark that this process has already built what its first worker would build."""
    _Process.first_run = False


class Pool:
    """At most `size` workers, and `spare` more; each has the DAG because it was forked from this process."""

    def __init__(self, size: int, dag: Any, spare: int = 0) -> None:
        self.size = size
        self.spare = spare
        self._dag = dag
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Pool:
        if _Process.first_run:
            # The first worker builds its API while the parent registers the DAG; each takes a second. Both need models.
            from airflow_mlcraft.adapters.airflow_core import SerializedDagModel  # noqa: F401

            self._fork()
            _Process.first_run = False
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
        self._selector.close()

    @property
    def jobs(self) -> list[Job]:
        """The jobs that are running."""
        return [worker.job for worker in self._workers if worker.job is not None]

    def submit(self, job: Job) -> None:
        """Send a job to an idle worker, or to a new one."""
        worker = next((worker for worker in self._workers if worker.job is None), None) or self._fork()
        worker.job = job
        # If the worker has died while idle, the next wait detects it.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            worker.channel.send(job)

    def wait(self, timeout: float | None) -> list[Outcome]:
        """Wait until a job has ended, or for the timeout; log lines are forwarded meanwhile."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            remaining = None if deadline is None else max(0.0, deadline - time.monotonic())
            ready = self._selector.select(remaining)
            outcomes = []
            for worker in {id(key.data): key.data for key, _ in ready}.values():
                if (outcome := self._receive(worker)) is not None:
                    outcomes.append(outcome)
            if outcomes or (deadline is not None and time.monotonic() >= deadline):
                return outcomes

    def stop(self) -> None:
        """End all workers and their child processes: idle ones at once, others after `GRACE_SECONDS`."""
        deadline = time.monotonic() + GRACE_SECONDS
        try:
            for worker in self._workers:
                if worker.job is not None:
                    _signal_group(worker.pid, signal.SIGTERM)
            while self.jobs and time.monotonic() < deadline:
                self.wait(deadline - time.monotonic())
        finally:
            for worker in list(self._workers):
                self._remove_worker(worker)

    def _fork(self) -> _Worker:
        parent_channel, child_channel = multiprocessing.connection.Pipe()
        lifeline_read, lifeline_write = os.pipe()
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        if not _Process.first_run or self._workers:
            from airflow_mlcraft.runner import api

            api.build_app()  # built here, so that every further worker inherits it
        database.close_connections()
        # Otherwise the child would write the parent's buffered output once more.
        sys.stdout.flush()
        sys.stderr.flush()
        gc.freeze()  # memory pages stay shared: the child's garbage collector does not touch them
        pid = os.fork()
        if pid == 0:
            for worker in self._workers:
                worker.close()
            parent_channel.close()
            for number in (lifeline_write, out_read, err_read):
                os.close(number)
            run_worker(child_channel, lifeline_read, out_write, err_write, self._dag)
        child_channel.close()
        for number in (lifeline_read, out_write, err_write):
            os.close(number)
        streams = {out_read: ("info", bytearray()), err_read: ("warning", bytearray())}
        # Without pidfds, a closed channel shows that a worker is gone.
        pidfd = os.pidfd_open(pid) if sys.platform == "linux" else None
        worker = _Worker(pid, parent_channel, lifeline_write, streams, pidfd=pidfd)
        for number in streams:
            os.set_blocking(number, False)
        for number in worker.descriptors():
            self._selector.register(number, selectors.EVENT_READ, worker)
        self._workers.append(worker)
        return worker

    def _receive(self, worker: _Worker) -> Outcome | None:
        self._drain(worker)
        try:
            while worker.channel.poll():
                kind, *message = worker.channel.recv()
                if kind == "log":
                    logs.forward(*message)
                    continue
                self._drain(worker)
                job, worker.job = worker.job, None
                return None if job is None else Outcome(job, failure=message[0])
        except (EOFError, ConnectionResetError):
            return self._handle_death(worker)
        if worker.pidfd is not None and _has_ended(worker.pid):
            return self._handle_death(worker)
        return None

    def _handle_death(self, worker: _Worker) -> Outcome | None:
        self._drain(worker)
        status = self._remove_worker(worker)
        if worker.job is None:
            return None
        how = f"signal {-status}" if status < 0 else f"exit code {status}"
        return Outcome(worker.job, lost=f"The process of the task died ({how}).")

    def _remove_worker(self, worker: _Worker) -> int:
        """Kill the worker's process group, so that no tool outlives it; returns the worker's exit code."""
        # In this order: until `waitpid`, no other process group can get the same id.
        _signal_group(worker.pid, signal.SIGKILL)
        _, status = os.waitpid(worker.pid, 0)
        for number in worker.descriptors():
            with contextlib.suppress(KeyError):  # a stream that had ended was unregistered before
                self._selector.unregister(number)
        worker.close()
        self._workers.remove(worker)
        return os.waitstatus_to_exitcode(status)

    def _drain(self, worker: _Worker) -> None:
        for number, (level, rest) in list(worker.streams.items()):
            while True:
                try:
                    data = os.read(number, 65536)
                except BlockingIOError:
                    break
                if not data:
                    with contextlib.suppress(KeyError):
                        self._selector.unregister(number)
                    break
                rest.extend(data)
            *lines, last = rest.split(b"\n")
            worker.streams[number] = (level, bytearray(last))
            name = "airflow" if worker.job is None else worker.job.label
            for line in lines:
                logs.forward(name, level, line.decode(errors="replace"))


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        # The child has not called `setsid` yet, or has ended.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _has_ended(pid: int) -> bool:
    """Whether a child has ended; its exit status is not collected."""
    status = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return status is not None
