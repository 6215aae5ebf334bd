"""The command's side: hands a run over to the warm parent, forwards signals to it, and starts a parent for next time.

It imports no other module of this package, because its time is part of each warm command.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import sys
import zlib

TYPE_CHECKING = False  # `typing` takes longer to import than all of the others
if TYPE_CHECKING:
    from typing import Any

SWITCH = "MLCRAFT_WARM"
IDLE_SECONDS = "MLCRAFT_WARM_IDLE"
DEFAULT_IDLE_SECONDS = 600.0

READY, GO = b"R", b"G"
STATUS_BYTES = 4
"""Length of a run's exit code, which is negative for a signal, as the parent sends it."""

_ANSWER_SECONDS = 1.0
"""A parent that has not answered by then is passed over."""
MAX_DESCRIPTORS = 200
# The signals that end, stop or continue a process, and that it can handle.
FORWARDED = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGTSTP,
    signal.SIGCONT,
)
_CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")
# A job's processes belong to its allocation; a task's to the task. A shell's completion has to end with the command.
_FOREIGN_VARIABLES = (
    "KUBERNETES_SERVICE_HOST",
    "SLURM_JOB_ID",
    "PBS_JOBID",
    "LSB_JOBID",
    "AIRFLOW_CTX_DAG_ID",
    "MLCRAFT_TASK",
    "_MLCRAFT_COMPLETE",
    "_HAJ_COMPLETE",
)
_FALSE = ("0", "false", "no", "off")
_TRUE = ("1", "true", "yes", "on")


def is_enabled() -> bool:
    """Whether this command may use a warm parent: `MLCRAFT_WARM`, or by default outside of containers, CI and jobs."""
    switch = os.environ.get(SWITCH, "").lower()
    if switch in _FALSE or not hasattr(socket, "send_fds") or sys.gettrace() is not None:
        return False
    if any(name in os.environ for name in _FOREIGN_VARIABLES) or sys.orig_argv[1:2] == ["-"]:
        return False
    # Options of the interpreter, as in `python -X dev mlcraft`, which the parent would not have.
    if len(sys.orig_argv) > 1 and sys.orig_argv[1].startswith("-"):
        return False
    return switch in _TRUE or not is_in_container_or_ci()


def is_in_container_or_ci() -> bool:
    """Whether this machine is a container or a CI job, where no process may stay behind."""
    ci = os.environ.get("CI", "").lower()
    return bool(ci and ci not in _FALSE) or any(map(os.path.exists, _CONTAINER_MARKS))


def find_folder() -> str | None:
    """The user's own folder of the sockets, created if need be; None where there is no safe place for one."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    cache = os.environ.get("XDG_CACHE_HOME", "")
    home = os.environ.get("HOME", "")
    if runtime and _is_private(runtime):
        folder = f"{runtime}/mlcraft"
    elif cache:
        folder = f"{cache}/mlcraft/warm"
    elif home and home != "/":
        folder = f"{home}/.cache/mlcraft/warm"
    else:
        return None
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103
    except OSError:
        return None
    return folder if _is_private(folder) else None


def _is_private(folder: str) -> bool:
    try:
        status = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077


def socket_path(folder: str) -> str:
    """The socket of the parent of this installation on this machine, which other machines may share a folder with."""
    installation = "\0".join((sys.executable, sys.prefix, os.path.dirname(__file__), os.uname().nodename))  # noqa: PTH120
    return f"{folder}/{zlib.crc32(installation.encode(errors='surrogateescape')):08x}.sock"


def connect(path: str, seconds: float = _ANSWER_SECONDS) -> socket.socket:
    """Connect to a parent. Raises OSError when there is none, or when it is not of this user."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.connect(path)
        require_same_user(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def require_same_user(connection: socket.socket) -> int:
    """Raise PermissionError when another user has the other end; returns its process id, or 0 where it is unknown."""
    if not hasattr(socket, "SO_PEERCRED"):  # macOS: the folder's permissions are the check
        return 0
    peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    process, user = (int.from_bytes(peer[at : at + 4], sys.byteorder) for at in (0, 4))
    if user != os.geteuid():
        raise PermissionError(f"the process at the other end is user {user}'s")
    return process


def send_message(connection: socket.socket, message: dict[str, Any]) -> None:
    """Send a message."""
    data = json.dumps(message).encode()
    connection.sendall(len(data).to_bytes(4, "big") + data)


def receive_message(connection: socket.socket) -> dict[str, Any]:
    """Receive a message. Raises OSError at the end of the stream."""
    size = int.from_bytes(_receive(connection, 4), "big")
    message: dict[str, Any] = json.loads(_receive(connection, size))
    return message


def receive_go(connection: socket.socket) -> list[int] | None:
    """The open files of a command that lets its run begin; None when it has gone instead."""
    answer, descriptors, _, _ = socket.recv_fds(connection, 1, MAX_DESCRIPTORS)
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    return descriptors if answer == GO else None


def _receive(connection: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        part = connection.recv(min(size, 1 << 20))
        if not part:
            raise ConnectionResetError("the other end has closed the connection")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def ask(folder: str, what: str, seconds: float = _ANSWER_SECONDS) -> dict[str, Any] | None:
    """The parent's answer to a question other than a run; None when no parent answers."""
    try:
        with connect(socket_path(folder), seconds) as connection:
            send_message(connection, {"what": what})
            return receive_message(connection)
    except (OSError, ValueError):
        return None


def hand_over(command: str) -> None:
    """Let the parent run the command (`module:function`), and end as it ends. Returns when no parent takes it.

    Nothing has been done when it returns: the parent says that it is ready, and begins only when it is then told to.
    """
    folder = find_folder()
    if folder is None or _is_in_background():
        return
    try:
        connection = connect(socket_path(folder))
    except OSError:
        return
    with connection:
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        try:
            numbers = _list_descriptors()
            send_message(connection, _describe(command, numbers, blocked))
            if connection.recv(1) != READY:
                return
            folder_descriptor = os.open(".", getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC)
        except (OSError, ValueError):
            return
        # From here on, a signal is the run's.
        signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
        handlers = _forward_signals(connection)
        try:
            connection.settimeout(None)
            # Not before: a parent that hangs would keep a pipe open that the next command of a pipeline reads.
            socket.send_fds(connection, [GO], [folder_descriptor, *numbers])
        except OSError:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            return
        finally:
            os.close(folder_descriptor)
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        code = _wait(connection)
    _end_as(code)


def _is_in_background() -> bool:
    """Whether this is a background job of a terminal, which the terminal stops when it reads from it."""
    try:
        return os.isatty(0) and os.tcgetpgrp(0) != os.getpgrp()
    except OSError:
        return False


def _list_descriptors() -> list[int]:
    """The open files that child processes get too. Raises OSError when a run could not have them."""
    numbers = []
    for name in os.listdir("/dev/fd"):  # noqa: PTH208
        try:
            if os.get_inheritable(int(name)):
                numbers.append(int(name))
        except OSError:
            continue  # the list's own
    if not {0, 1, 2} <= {*numbers} or len(numbers) >= MAX_DESCRIPTORS:
        raise OSError("standard streams are closed, or there are too many open files")
    return numbers


def _describe(command: str, descriptors: list[int], blocked: set[Any]) -> dict[str, Any]:
    """What a run takes over from this process, but for the open files themselves and the working folder."""
    import resource

    limits = {name: resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")}
    umask = os.umask(0o077)
    os.umask(umask)
    return {
        "what": "run",
        "command": command,
        "arguments": sys.argv,
        "environment": dict(os.environ),
        "path": sys.path,
        "descriptors": descriptors,
        "limits": limits,
        "umask": umask,
        "nice": os.nice(0),
        "groups": [os.getgid(), *os.getgroups()],
        "cores": sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [],
        "ignored": [number for number in FORWARDED if signal.getsignal(number) is signal.SIG_IGN],
        "blocked": [int(number) for number in blocked],
    }


def _forward_signals(connection: socket.socket) -> dict[int, Any]:
    """Send all signals to the run from now on; returns the handlers of before."""

    def forward(number: int, frame: object) -> None:
        try:
            connection.send(bytes([number]))
            if number == signal.SIGTSTP:
                # Stops here until a SIGCONT, unless the system ignores it, as without a shell that could continue it.
                signal.signal(number, signal.SIG_DFL)
                os.kill(os.getpid(), number)
                signal.signal(number, forward)
                connection.send(bytes([signal.SIGCONT]))
        except OSError:
            return  # the run has ended, and its exit code is on the way

    return {
        number: signal.signal(number, forward) for number in FORWARDED if signal.getsignal(number) is not signal.SIG_IGN
    }


def _wait(connection: socket.socket) -> int:
    try:
        return int.from_bytes(_receive(connection, STATUS_BYTES), "big", signed=True)
    except OSError:
        sys.stderr.write("mlcraft: the process that ran this command was killed\n")
        sys.stderr.flush()
        return 1


def _end_as(code: int) -> None:
    """End this process with an exit code, or by a signal."""
    if code >= 0:
        os._exit(code)
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if -code not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(-code, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (-code,))
    os.kill(os.getpid(), -code)
    os._exit(128 - code)


TRAINS = "--trains"
_START = (
    "import sys; sys.path[:] = sys.argv[3:]; from airflow_mlcraft.cli.warm.server import main; main(*sys.argv[1:3])"
)


def start_parent(environment: dict[str, str], path: list[str], *, trains: bool = False) -> None:
    """Start a parent in the background, with the environment and the module path that this command began with.

    With `trains` it imports the libraries of machine learning too, half as much again.
    """
    import subprocess

    folder = find_folder()
    if folder is None:
        return
    try:
        # Appended to, because a parent that is there writes into it as well.
        with open(f"{socket_path(folder)[:-5]}.log", "wb", opener=_open_private) as log:
            subprocess.Popen(  # noqa: S603
                [sys.executable, "-c", _START, folder, TRAINS if trains else "", *path],
                cwd="/",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
    except OSError:
        return  # the next command starts cold, as this one


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0), 0o600)
