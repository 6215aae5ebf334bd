"""The life of a worker: a forked child that does one job after the other, and dies with its parent."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.runner import logs

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from airflow_mlcraft.runner.task import Job

# Seconds from a polite end of what a worker runs to an impolite one.
GRACE = 3.0


def live(channel: Connection, lifeline: int, out: int, err: int, dag: Any) -> None:
    """Serve jobs until the parent hangs up. Never returns into the parent's code that forked us."""
    status = 1
    try:
        # A session of our own: a terminal's Ctrl-C reaches the parent alone, which then ends us and
        # everything that we started, as one process group.
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _take_streams(out, err)
        lock = threading.Lock()

        def to_parent(task: str, level: str, line: str) -> None:
            with lock:
                channel.send(("log", task, level, line))

        logs.route(to_parent)
        threading.Thread(target=_watch, args=(lifeline,), daemon=True).start()
        # Imported here, at the same time as the parent imports other things.
        from airflow_mlcraft.runner.api import connected

        with connected():
            _serve(channel, lock, dag)
        status = 0
    finally:
        # Not sys.exit: what the parent registered to run at its end is not ours to run.
        os._exit(status)


def _serve(channel: Connection, lock: Any, dag: Any) -> None:
    from airflow_mlcraft.runner.task import describe, perform

    while True:
        try:
            job: Job = channel.recv()
        except (EOFError, ConnectionResetError):
            return
        try:
            failure = perform(job, dag)
        except Exception as error:
            # The task runner itself failed: the parent sees a task that did not end, and settles it.
            logs.emit("error", f"{type(error).__name__}: {error}")
            failure = describe(error, job)
        sys.stdout.flush()
        sys.stderr.flush()
        with lock:
            channel.send(("done", failure))


def _take_streams(out: int, err: int) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    for number in (nothing, out, err):
        os.close(number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115


def _watch(lifeline: int) -> None:
    """End with the parent, however it ended: nothing is ever written, so reading returns when it is gone."""
    os.read(lifeline, 1)
    os.killpg(0, signal.SIGTERM)
    threading.Event().wait(GRACE)
    os.killpg(0, signal.SIGKILL)
