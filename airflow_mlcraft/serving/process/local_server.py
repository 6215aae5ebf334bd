"""A server in the background on this machine: start, stop, status, logs. Its folder holds its process id and log."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from airflow_mlcraft.common.environment_variables import without_task_mark
from airflow_mlcraft.common.files import write_atomically
from airflow_mlcraft.serving.http.errors import ServingError
from airflow_mlcraft.serving.process.control_socket import send_command

LOG = "server.log"
_PROCESS_FILE = "server.json"
_FIRST_PORT, _PORT_COUNT = 8100, 800
_START_SECONDS = 120.0
_STOP_SECONDS = 45.0
_PORT_RELEASE_SECONDS = 10.0
_MAX_LOG_BYTES = 32 << 20


@dataclass(frozen=True)
class ServerProcess:
    """A server's process and address. `created` tells it from a later process with the same id."""

    pid: int
    created: float
    host: str
    port: int

    @property
    def url(self) -> str:
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def start(
    folder: Path,
    model: Path,
    *,
    name: str,
    port: int | None = None,
    host: str = "127.0.0.1",
    options: Sequence[str] = (),
    seconds: float = _START_SECONDS,
) -> ServerProcess:
    """Start a server that outlives this process, and wait until it responds; raises ServingError when it does not."""
    if (running := find_running(folder)) is not None:
        raise ServingError(f"the server {name!r} runs already, at {running.url}; stop it first")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    _rotate_log(folder / LOG)
    chosen_port = _choose_port(name, host, _load_process(folder)) if port is None else port
    command = [sys.executable, "-m", "airflow_mlcraft.serving", "--model", str(model), "--name", name]
    command += ["--host", host, "--port", str(chosen_port), "--state", str(folder), *options]
    with (folder / LOG).open("ab") as log:
        log_start = log.tell()
        child = subprocess.Popen(  # noqa: S603 - our own command
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=folder,
            env=_build_environment(),
        )
    process = ServerProcess(child.pid, psutil.Process(child.pid).create_time(), host, chosen_port)
    write_atomically(folder / _PROCESS_FILE, (json.dumps(asdict(process), indent=2) + "\n").encode())
    try:
        _wait_until_ready(child, folder, log_start, seconds)
    except BaseException:
        _terminate(process, seconds=0)
        child.wait()
        (folder / _PROCESS_FILE).unlink(missing_ok=True)
        raise
    return process


def find_running(folder: Path) -> ServerProcess | None:
    """The process of a folder's server, if it runs."""
    process = _load_process(folder)
    return process if process is not None and _find_process(process) is not None else None


def stop(folder: Path) -> None:
    """Stop the server of a folder; requests in progress are finished."""
    process = find_running(folder)
    if process is None:
        raise ServingError(f"no server runs in {folder}")
    _terminate(process, _STOP_SECONDS)
    (folder / _PROCESS_FILE).unlink(missing_ok=True)


def status(folder: Path) -> dict[str, Any]:
    """The status of a folder's server: its address, model, process id and workers."""
    process = find_running(folder)
    if process is None:
        raise ServingError(f"no server runs in {folder}")
    return {"url": process.url, **send_command(folder, {"do": "status"})}


def log_lines(folder: Path, lines: int = 100) -> list[str]:
    """The last lines of the server's log."""
    try:
        with (folder / LOG).open("rb") as stream:
            stream.seek(max(0, (folder / LOG).stat().st_size - lines * 1000))
            return stream.read().decode(errors="replace").splitlines()[-lines:]
    except FileNotFoundError:
        raise ServingError(f"no server has run in {folder}") from None


def _wait_until_ready(child: subprocess.Popen[bytes], folder: Path, log_start: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise ServingError(f"the server did not start: {_find_start_error(folder, log_start)}")
        with contextlib.suppress(ServingError):
            send_command(folder, {"do": "status"})
            return
        time.sleep(0.05)
    raise ServingError(f"the server did not answer within {seconds:g} s; its log is {folder / LOG}")


def _find_start_error(folder: Path, log_start: int) -> str:
    with (folder / LOG).open("rb") as stream:
        stream.seek(log_start)
        lines = stream.read().decode(errors="replace").splitlines()
    errors = [line.removeprefix("mlcraft serving: ") for line in lines if line.startswith("mlcraft serving: ")]
    return errors[-1] if errors else f"its log is {folder / LOG}"


def _find_process(process: ServerProcess) -> psutil.Process | None:
    try:
        found = psutil.Process(process.pid)
        same = found.create_time() == process.created and found.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return None
    return found if same else None


def _terminate(process: ServerProcess, seconds: float) -> None:
    """Terminate a process and its children by SIGTERM, and by SIGKILL what is left after `seconds`."""
    found = _find_process(process)
    if found is None:
        return
    with contextlib.suppress(psutil.Error):
        children = found.children(recursive=True)
        found.send_signal(signal.SIGTERM if seconds else signal.SIGKILL)
        _, remaining = psutil.wait_procs([found, *children], timeout=seconds or 1)
        for survivor in remaining:
            with contextlib.suppress(psutil.Error):
                survivor.kill()


def _load_process(folder: Path) -> ServerProcess | None:
    """The last server of a folder; it may have ended."""
    try:
        return ServerProcess(**json.loads((folder / _PROCESS_FILE).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _choose_port(name: str, host: str, last: ServerProcess | None) -> int:
    """The port of the last server or else one derived from the name; the next free one if it is taken."""
    if last is not None and last.host == host:
        # The workers of a killed server hold the port for a moment.
        deadline = time.monotonic() + _PORT_RELEASE_SECONDS
        while time.monotonic() < deadline:
            if _is_free(last.port, host):
                return last.port
            time.sleep(0.05)
    first = zlib.crc32(name.encode()) % _PORT_COUNT
    for step in range(_PORT_COUNT):
        port = _FIRST_PORT + (first + step) % _PORT_COUNT
        if _is_free(port, host):
            return port
    raise ServingError(f"no port from {_FIRST_PORT} to {_FIRST_PORT + _PORT_COUNT - 1} is free on {host}")


def _is_free(port: int, host: str) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
            # With SO_REUSEADDR, two sockets can bind a port, but only one can listen on it.
            attempt.listen()
        except OSError:
            return False
    return True


def _build_environment() -> dict[str, str]:
    """The environment without Airflow's settings, which hold secrets that the server does not need."""
    variables = without_task_mark(os.environ)
    return {name: value for name, value in variables.items() if not name.startswith(("AIRFLOW", "_AIRFLOW"))}


def _rotate_log(path: Path) -> None:
    if path.exists() and path.stat().st_size > _MAX_LOG_BYTES:
        path.replace(path.with_suffix(".1.log"))
