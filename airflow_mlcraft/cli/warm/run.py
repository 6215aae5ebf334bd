"""What a run takes over from the process of its command."""

from __future__ import annotations

import fcntl
import io
import os
import random
import resource
import signal
import sys
import tempfile
import time
from typing import Any

from airflow_mlcraft.cli.warm.client import FORWARDED
from airflow_mlcraft.runner.home import leave_environment

_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of Linux's prctl."""


def take_over(request: dict[str, Any], descriptors: list[int]) -> None:
    """Make this process, a new child of a supervisor, that of the command.

    Signals are blocked until it has the command's handlers.
    """
    os.setsid()
    _die_with_supervisor()
    folder, *files = descriptors
    os.fchdir(folder)
    os.close(folder)
    _place_descriptors(files, request["descriptors"])
    os.umask(request["umask"])
    for name, limit in request["limits"].items():
        resource.setrlimit(getattr(resource, name), tuple(limit))
    os.nice(request["nice"] - os.nice(0))
    if request["cores"]:
        os.sched_setaffinity(0, request["cores"])
    os.environ.clear()
    os.environ.update(request["environment"])
    leave_environment()
    sys.argv = request["arguments"]
    _open_streams()
    time.tzset()
    _forget_parent()
    _reset_signals(request)


def _die_with_supervisor() -> None:
    """End this process when the supervisor is killed, which could not do it then."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_DEATH_SIGNAL, int(signal.SIGTERM), 0, 0, 0)


def _place_descriptors(files: list[int], numbers: list[int]) -> None:
    """Give the received files the numbers that they have in the command's process."""
    above = max(numbers) + 1
    moved = [fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, above) for file in files]
    for file in files:
        os.close(file)
    for file, number in zip(moved, numbers, strict=True):
        os.dup2(file, number)
        os.close(file)


def _open_streams() -> None:
    """Open stdin, stdout and stderr as the interpreter does, whose choice of encoding the parent's streams have."""
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        previous = getattr(sys, name)
        raw = io.FileIO(number, mode, closefd=False)
        is_terminal = raw.isatty()
        buffer: Any = io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw)
        stream = io.TextIOWrapper(
            buffer,
            encoding=previous.encoding,
            errors=previous.errors,
            newline="\n",
            line_buffering=is_terminal or name == "stderr",
            write_through=getattr(previous, "write_through", False),
        )
        raw.name = buffer.raw.name = f"<{name}>"
        stream.mode = mode  # type: ignore[misc]
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _forget_parent() -> None:
    """Renew what a fork must not share. Python itself reseeds `random` and the names of temporary files."""
    tempfile.tempdir = None
    random.seed()
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()


def _reset_signals(request: dict[str, Any]) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in FORWARDED:
        default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, signal.SIG_IGN if number in request["ignored"] else default)
    signal.pthread_sigmask(signal.SIG_SETMASK, request["blocked"])
