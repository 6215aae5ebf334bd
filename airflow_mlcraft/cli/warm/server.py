"""The parent: prepares the embedded Airflow, then forks a supervisor for each connection, which forks the run.

The parent itself only accepts and counts. A supervisor reads the request, forwards signals to the run, ends it when the
command's process is gone, and reports its exit code; it does not depend on the parent.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NamedTuple

from airflow_mlcraft.cli.warm import client
from airflow_mlcraft.cli.warm.run import take_over
from airflow_mlcraft.cli.warm.snapshot import find_difference, take_snapshot
from airflow_mlcraft.common.locks import try_lock

GRACE_SECONDS = 5.0
"""Between SIGTERM and SIGKILL for a run whose command is gone."""
_REQUEST_SECONDS = 5.0
_START_SECONDS = 120.0
"""A parent may take this long to start; one that does not answer later is hanging."""
_RAN = 3
"""Exit code of a supervisor whose run has ended."""
_GROUP_SIGNALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
"""Signals that a terminal sends to the whole process group."""
_MODULES = (
    "airflow_mlcraft.cli.cwl_runner",
    "airflow_mlcraft.cli.main",
    "airflow_mlcraft.cli.progress",
    "airflow_mlcraft.project.training",
    "airflow_mlcraft.runner.run_document",
    "rich.progress",
)


class Prepared(NamedTuple):
    """What a parent has imported, and the home of its embedded Airflow."""

    snapshot: dict[str, Any]
    home: Path


class Run(NamedTuple):
    """A run that begins in this process: what it takes over from the command."""

    request: dict[str, Any]
    descriptors: list[int]


def main(folder: str, purpose: str = "", prepare: Callable[[], Prepared] | None = None) -> None:
    """Start the parent, unless there is one, and serve until it has been idle for long.

    In the process of a run it goes on with the command, so that the interpreter ends as that of the command would.
    """
    if (run := _serve(folder, purpose, prepare)) is not None:
        take_over(run.request, run.descriptors)
        module, _, name = run.request["command"].partition(":")
        sys.exit(getattr(import_module(module), name)())


def _serve(folder: str, purpose: str, prepare: Callable[[], Prepared] | None) -> Run | None:
    _detach()
    path = client.socket_path(folder)
    with Path(f"{path[:-5]}.lock").open("a+") as lock:
        if not _take_place(folder, lock):
            return None
        prepared = prepare() if prepare else prepare_runs(trains=purpose == client.TRAINS)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        Path(path).unlink(missing_ok=True)
        listener.bind(path)
        listener.listen()
        idle = float(os.environ.get(client.IDLE_SECONDS) or client.DEFAULT_IDLE_SECONDS)
        run = _Parent(listener, lock, prepared, idle).serve()
        if run is None:
            Path(path).unlink(missing_ok=True)
        return run


def _detach() -> None:
    os.umask(0o077)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in client.FORWARDED:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, lambda *_: None)


def _take_place(folder: str, lock: IO[str]) -> bool:
    """Take the lock, which a parent holds as long as it lives. A parent that hangs is killed."""
    if not try_lock(lock):
        lock.seek(0)
        with contextlib.suppress(ValueError, KeyError, OSError):
            holder = json.loads(lock.read() or "{}")
            is_starting = time.time() - holder["started"] < _START_SECONDS
            if is_starting or client.ask(folder, "status", _REQUEST_SECONDS):
                return False
            # The lock is held, so its holder still has this process id.
            os.kill(holder["pid"], signal.SIGKILL)
            time.sleep(0.5)
        if not try_lock(lock):
            return False
    lock.seek(0)
    lock.truncate()
    lock.write(json.dumps({"pid": os.getpid(), "started": time.time()}))
    lock.flush()
    return True


def prepare_runs(*, trains: bool = False) -> Prepared:
    """Import everything that runs need, with `trains` also those that train models."""
    from airflow_mlcraft.runner.home import default_home

    # Before the imports: what changes meanwhile makes a difference.
    home = default_home()
    snapshot = take_snapshot(os.environ, sys.path, os.getpid(), home)
    from airflow_mlcraft.runner.preload import preload_documents, warm_up

    warm_up(home)
    preload_documents()
    for name in _MODULES:
        import_module(name)
    if trains:
        _preload_training()
    gc.collect()
    gc.freeze()
    return Prepared(snapshot, home)


def _preload_training() -> None:
    from airflow_mlcraft.project.embedded import preload_libraries

    with contextlib.suppress(ModuleNotFoundError):  # the extra is not installed
        preload_libraries()
    # OpenBLAS ends its threads before a fork, and starts them again when they are needed: no run is forked beside them.
    if (child := os.fork()) == 0:
        os._exit(0)
    os.waitpid(child, 0)


class _Parent:
    def __init__(self, listener: socket.socket, lock: IO[str], prepared: Prepared, idle: float) -> None:
        self.pid = os.getpid()
        self.started = time.time()
        self.runs = 0
        self.prepared = prepared
        self._listener = listener
        self._lock = lock
        self._idle = idle
        self._supervisors: set[int] = set()

    def serve(self) -> Run | None:
        """Serve until no run has been under way for the idle time. In the process of a run, return it."""
        wake, wake_write = socket.socketpair()
        wake.setblocking(False)
        wake_write.setblocking(False)
        signal.set_wakeup_fd(wake_write.fileno(), warn_on_full_buffer=False)
        last = time.monotonic()
        while True:
            left = None if self._supervisors else max(0.0, last + self._idle - time.monotonic())
            ready, _, _ = select.select([self._listener, wake], [], [], left)
            with contextlib.suppress(BlockingIOError):
                wake.recv(4096)
            if self._reap():
                last = time.monotonic()
            if self._listener in ready:
                last = time.monotonic()
                connection, _ = self._listener.accept()
                if (run := self._fork(connection, (wake, wake_write))) is not None:
                    return run
                connection.close()
            elif not self._supervisors and time.monotonic() >= last + self._idle:
                return None

    def _reap(self) -> bool:
        """Collect supervisors that have ended; returns whether there were any."""
        ended = [os.waitpid(pid, os.WNOHANG) for pid in self._supervisors]
        self._supervisors -= {pid for pid, _ in ended}
        self.runs += sum(os.waitstatus_to_exitcode(status) == _RAN for pid, status in ended if pid)
        return any(pid for pid, _ in ended)

    def _fork(self, connection: socket.socket, own: tuple[socket.socket, ...]) -> Run | None:
        """Fork a supervisor, which does not return; only the run that it forks does."""
        pid = os.fork()
        if pid:
            self._supervisors.add(pid)
            return None
        code = 0
        try:
            signal.set_wakeup_fd(-1)
            self._lock.close()
            for each in (self._listener, *own):
                each.close()
            if (taken := _answer(connection, self)) is not None:
                if (run_pid := _fork_run(connection, taken)) is None:
                    return taken
                _attend(connection, run_pid)
                code = _RAN
        except (OSError, ValueError, KeyError):
            pass  # the command has gone, or is of another version: it passes this parent over
        except BaseException:
            traceback.print_exc()
        os._exit(code)

    @property
    def active(self) -> int:
        """How many runs are under way, as a supervisor that is asked counts: it is not among them."""
        return len(self._supervisors)


def _answer(connection: socket.socket, parent: _Parent) -> Run | None:
    """Answer a request. Returns the run that may begin, if it is one."""
    connection.settimeout(_REQUEST_SECONDS)
    peer = client.require_same_user(connection)
    request = client.receive_message(connection)
    if request["what"] == "status":
        client.send_message(connection, _describe(parent))
    elif request["what"] == "stop":
        client.send_message(connection, _describe(parent))
        _end_parent(parent)
    elif _fits(parent, request, peer):
        connection.sendall(client.READY)
        descriptors = client.receive_go(connection)
        return None if descriptors is None else Run(request, descriptors)
    else:
        connection.close()
        _end_parent(parent)
    return None


def _describe(parent: _Parent) -> dict[str, Any]:
    import psutil

    process = psutil.Process(parent.pid)
    return {
        "pid": parent.pid,
        "seconds": round(time.time() - parent.started),
        "active": parent.active,
        "runs": parent.runs + parent.active,
        "memory": process.memory_info().rss,
    }


def _end_parent(parent: _Parent) -> None:
    """End the parent. Runs that are under way go on, since they only need their supervisors."""
    if os.getppid() == parent.pid:
        os.kill(parent.pid, signal.SIGTERM)


def _fits(parent: _Parent, request: dict[str, Any], peer: int) -> bool:
    """Whether a run in a child of the parent is the same as in the command's own process."""
    command = take_snapshot(request["environment"], request["path"], peer, parent.prepared.home)
    difference = find_difference(parent.prepared.snapshot, command)
    for name, (_, hard) in request["limits"].items():
        allowed = resource.getrlimit(getattr(resource, name))[1]
        if allowed != resource.RLIM_INFINITY and not 0 <= hard <= allowed:
            difference += f", {name}"
    if request["groups"] != [os.getgid(), *os.getgroups()] or request["nice"] < os.nice(0):
        difference += ", groups or priority"
    if difference:
        sys.stderr.write(f"ended, because a command differs in: {difference.removeprefix(', ')}\n")
    return not difference


def _fork_run(connection: socket.socket, run: Run) -> int | None:
    """Fork the run. Returns its process id, or None in its process."""
    # Signals for the run wait until it has its own handlers.
    signal.pthread_sigmask(signal.SIG_BLOCK, client.FORWARDED)
    pid = os.fork()
    if not pid:
        connection.close()
        return None
    for descriptor in run.descriptors:
        os.close(descriptor)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, client.FORWARDED)
    return pid


def _attend(connection: socket.socket, pid: int) -> None:
    """Attend to a run until it has ended, and report its exit code."""
    wake, wake_write = socket.socketpair()
    for end in (wake, wake_write):
        end.setblocking(False)
    signal.set_wakeup_fd(wake_write.fileno(), warn_on_full_buffer=False)
    status = _wait(connection, pid, wake)
    with contextlib.suppress(OSError):
        connection.sendall(status.to_bytes(client.STATUS_BYTES, "big", signed=True))


def _wait(connection: socket.socket, pid: int, wake: socket.socket) -> int:
    """Forward signals until the run ends; end it when the command is gone. Returns its exit code."""
    connection.setblocking(False)
    deadline: float | None = None
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if deadline is not None and time.monotonic() >= deadline:
            _kill_group(pid, signal.SIGKILL)
        watched = [wake] if deadline is not None else [wake, connection]
        timeout = None if deadline is None else max(0.1, deadline - time.monotonic())
        ready, _, _ = select.select(watched, [], [], timeout)
        with contextlib.suppress(BlockingIOError):
            wake.recv(4096)
        if connection in ready:
            try:
                numbers = connection.recv(64)
            except OSError:
                numbers = b""
            for number in numbers:
                _deliver(pid, number)
            if not numbers:
                os.kill(pid, signal.SIGTERM)
                _kill_group(pid, signal.SIGCONT)
                deadline = time.monotonic() + GRACE_SECONDS


def _deliver(pid: int, number: int) -> None:
    if number == signal.SIGTSTP:
        # The run has no terminal, so that the system would ignore the signal itself.
        _kill_group(pid, signal.SIGSTOP)
    elif number in _GROUP_SIGNALS or number == signal.SIGCONT:
        _kill_group(pid, number)
    else:
        os.kill(pid, number)


def _kill_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        os.kill(pid, number)  # it has not made its group yet
