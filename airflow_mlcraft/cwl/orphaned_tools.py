"""The end of tools that outlive their task: each is marked with its task, and ended when the task's process is gone.

A task that is killed (`kill -9`, out of memory) cannot end its tool. A watcher does: a shell that waits at a pipe,
which the system closes with the task's process. The next try of the task also kills remaining processes before it
starts. Processes are found by a variable of their environment, which child processes inherit, and containers by a
label.
"""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.common.environment_variables import TASK_MARK, without_task_mark

if TYPE_CHECKING:
    from cwltool.job import JobBase

LABEL = "mlcraft.task"
_WATCHER_SCRIPT = 'read word || exec "$@"'
_KILL_TIMEOUT = 10.0
"""Time limit in seconds for killed processes to end."""
_ENGINE_TIMEOUT = 60.0
"""Time limit in seconds for the response of a container engine."""

log = logging.getLogger(__name__)
_running: dict[str, str] = {}
"""The marks of the tools that this process currently runs, each with its container engine, or ""."""
_pipes: set[int] = set()


@dataclass(frozen=True)
class ToolOwner:
    """The task that runs a tool. `mark` is the same for each try of it; `labels` describe its containers to users."""

    mark: str
    labels: Mapping[str, str]

    @classmethod
    def of_task(cls, *key: object, **labels: object) -> ToolOwner:
        """The owner with a key, which no other task of any Airflow on this machine has."""
        mark = hashlib.sha256("\0".join(str(part) for part in key).encode()).hexdigest()[:32]
        return cls(mark, {f"mlcraft.{name}": str(value) for name, value in labels.items()})

    def environment(self) -> dict[str, str]:
        """The environment variable that marks the processes of the tool."""
        return {TASK_MARK: self.mark}


def mark_job(job: JobBase, owner: ToolOwner, engine: str) -> None:
    """Mark the program or container of a job, and watch it while it runs."""
    from airflow_mlcraft.adapters.cwltool import wrap_execution

    wrap_execution(job, partial(_execute, owner, engine))


@contextmanager
def kill_on_parent_exit(owner: ToolOwner, engine: str = "") -> Iterator[None]:
    """Run a watcher inside the context, which kills the tool when this process is killed.

    `engine` is the command of the container engine, if the tool may run containers.
    """
    read, write = os.pipe()
    path = os.pathsep.join(folder for folder in sys.path if folder)
    watcher = None
    try:
        _pipes.add(write)
        with suppress(OSError):
            watcher = subprocess.Popen(  # noqa: S603
                ["/bin/sh", "-c", _WATCHER_SCRIPT, "sh", sys.executable, "-m", __name__, owner.mark, engine],
                stdin=read,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
                env={**without_task_mark(os.environ), "PYTHONPATH": path, "PYTHONSAFEPATH": "1"},
            )
        if watcher is None:
            log.warning("no process could be started that ends the tool if this one is killed")
        os.close(read)
        _running[owner.mark] = engine
        yield
    finally:
        _running.pop(owner.mark, None)
        with suppress(BrokenPipeError):
            os.write(write, b"done\n")
        _pipes.discard(write)
        os.close(write)
        if watcher is not None:
            watcher.wait()


def kill_orphans(owner: ToolOwner, engine: str = "") -> str:
    """Kill the processes and containers of an earlier try. Returns their number as text, or ""."""
    processes = kill_processes(owner.mark)
    containers = remove_containers(owner.mark, engine) if engine else 0
    return " and ".join(
        f"{count} {noun}{'' if count == 1 else plural}"
        for count, noun, plural in ((processes, "process", "es"), (containers, "container", "s"))
        if count
    )


def kill_running() -> None:
    """Kill all processes of this process's tools: the children of a tool do not end with it."""
    for mark in list(_running):
        kill_processes(mark)


def kill_processes(mark: str) -> int:
    """Kill the processes with a mark, and wait until they are gone. Returns their number."""
    import psutil

    count = 0
    # Repeated, for processes that were started during the search.
    while found := _find_marked(mark):
        for process in found:
            with suppress(psutil.Error):
                process.kill()
        _, alive = psutil.wait_procs(found, timeout=_KILL_TIMEOUT)
        count += len(found)
        if alive:
            break
    return count


def remove_containers(mark: str, engine: str) -> int:
    """Remove the containers with a mark, also running ones. Returns their number."""
    listed = _run_engine([engine, "ps", "--all", "--quiet", "--filter", f"label={LABEL}={mark}"]).split()
    if listed:
        _run_engine([engine, "rm", "--force", *listed])
    return len(listed)


def _find_marked(mark: str) -> list[Any]:
    import psutil

    own_process = psutil.Process()
    excluded = {own_process.pid, *(process.pid for process in own_process.parents())}
    found: dict[int, Any] = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid not in excluded and process.environ().get(TASK_MARK) == mark:
                found[process.pid] = process
                found.update((child.pid, child) for child in process.children(recursive=True))
    return [
        process
        for pid, process in found.items()
        if pid not in excluded and process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    ]


def _run_engine(command: list[str]) -> str:
    try:
        process = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_ENGINE_TIMEOUT)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("%s: %s", command[0], error)
        return ""
    return process.stdout


def _execute(  # noqa: PLR0917
    owner: ToolOwner,
    engine: str,
    execute: Callable[..., None],
    runtime: list[str],
    env: MutableMapping[str, str],
    context: Any,
    monitor: Any,
) -> None:
    """Run cwltool's own `execute` with the mark in the environment and, for a container, in its labels."""
    if "run" in runtime:
        position = runtime.index("run") + 1
        labels = {LABEL: owner.mark, **owner.labels}
        runtime = [
            *runtime[:position],
            *(f"--label={name}={value}" for name, value in labels.items()),
            *runtime[position:],
        ]
    with kill_on_parent_exit(owner, engine if runtime else ""):
        execute(runtime, {**env, **owner.environment()}, context, monitor)


def _close_pipes() -> None:
    """Close the pipes in a forked child, which would otherwise keep the watcher waiting."""
    for pipe in _pipes:
        with suppress(OSError):
            os.close(pipe)
    _pipes.clear()


os.register_at_fork(after_in_child=_close_pipes)


def main(mark: str, engine: str) -> None:
    """Kill all processes and containers with a mark, after their task has ended."""
    kill_processes(mark)
    if engine:
        remove_containers(mark, engine)
        # The engine may have been creating a container for a client that is gone.
        time.sleep(2)
        remove_containers(mark, engine)


if __name__ == "__main__":
    main(*sys.argv[1:3])
