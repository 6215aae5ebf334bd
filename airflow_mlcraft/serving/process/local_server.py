"""A server as a process of its own on this machine: start, stop, status, logs. Its folder says which process it is."""

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

from airflow_mlcraft.common.environment_variables import independent
from airflow_mlcraft.common.files import write_atomically
from airflow_mlcraft.serving.http.errors import ServingError
from airflow_mlcraft.serving.process.control_socket import tell

LOG = "server.log"
_PROCESS = "server.json"
_FIRST_PORT, _PORTS = 8100, 800
_START = 120.0
_STOP = 45.0
_MOMENT = 10.0
_LONGEST_LOG = 32 << 20


@dataclass(frozen=True)
class Process:
    """A process that cannot be taken for another one with the same number."""

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
    seconds: float = _START,
) -> Process:
    """Start a server that outlives this process, and wait until it answers."""
    if (found := running(folder)) is not None:
        raise ServingError(f"the server {name!r} runs already, at {found.url}; stop it first")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    _turn_over(folder / LOG)
    chosen = _free_port(name, host, _told(folder)) if port is None else port
    command = [sys.executable, "-m", "airflow_mlcraft.serving", "--model", str(model), "--name", name]
    command += ["--host", host, "--port", str(chosen), "--state", str(folder), *options]
    with (folder / LOG).open("ab") as log:
        begun_at = log.tell()
        child = subprocess.Popen(  # noqa: S603 - our own command
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=folder,
            env=_environment(),
        )
    process = Process(child.pid, psutil.Process(child.pid).create_time(), host, chosen)
    write_atomically(folder / _PROCESS, (json.dumps(asdict(process), indent=2) + "\n").encode())
    try:
        _wait(child, folder, begun_at, seconds)
    except BaseException:
        _end(process, seconds=0)
        child.wait()
        (folder / _PROCESS).unlink(missing_ok=True)
        raise
    return process


def running(folder: Path) -> Process | None:
    """The server of a folder, if it runs."""
    process = _told(folder)
    return process if process is not None and _alive(process) is not None else None


def stop(folder: Path) -> None:
    """End the server of a folder; what it has begun, it finishes."""
    process = running(folder)
    if process is None:
        raise ServingError(f"no server runs in {folder}")
    _end(process, _STOP)
    (folder / _PROCESS).unlink(missing_ok=True)


def status(folder: Path) -> dict[str, Any]:
    """What the server of a folder says about itself."""
    process = running(folder)
    if process is None:
        raise ServingError(f"no server runs in {folder}")
    return {"url": process.url, **tell(folder, {"do": "status"})}


def log_lines(folder: Path, lines: int = 100) -> list[str]:
    """The end of the server's log."""
    try:
        with (folder / LOG).open("rb") as stream:
            stream.seek(max(0, (folder / LOG).stat().st_size - lines * 1000))
            return stream.read().decode(errors="replace").splitlines()[-lines:]
    except FileNotFoundError:
        raise ServingError(f"no server has run in {folder}") from None


def _wait(child: subprocess.Popen[bytes], folder: Path, begun_at: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise ServingError(f"the server did not start: {_reason(folder, begun_at)}")
        with contextlib.suppress(ServingError):
            tell(folder, {"do": "status"})
            return
        time.sleep(0.05)
    raise ServingError(f"the server did not answer within {seconds:g} s; its log is {folder / LOG}")


def _reason(folder: Path, begun_at: int) -> str:
    with (folder / LOG).open("rb") as stream:
        stream.seek(begun_at)
        lines = stream.read().decode(errors="replace").splitlines()
    said = [line.removeprefix("mlcraft serving: ") for line in lines if line.startswith("mlcraft serving: ")]
    return said[-1] if said else f"its log is {folder / LOG}"


def _alive(process: Process) -> psutil.Process | None:
    try:
        found = psutil.Process(process.pid)
        same = found.create_time() == process.created and found.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return None
    return found if same else None


def _end(process: Process, seconds: float) -> None:
    """By a signal, and by force when that does not help in time."""
    found = _alive(process)
    if found is None:
        return
    with contextlib.suppress(psutil.Error):
        children = found.children(recursive=True)
        found.send_signal(signal.SIGTERM if seconds else signal.SIGKILL)
        _, left = psutil.wait_procs([found, *children], timeout=seconds or 1)
        for one in left:
            with contextlib.suppress(psutil.Error):
                one.kill()


def _told(folder: Path) -> Process | None:
    """The last server of a folder, which may have ended."""
    try:
        return Process(**json.loads((folder / _PROCESS).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _free_port(name: str, host: str, last: Process | None) -> int:
    """The one of last time, and at first one that follows from the name, as long as nobody else has it."""
    if last is not None and last.host == host:
        # The workers of a server that was killed need a moment to see that.
        deadline = time.monotonic() + _MOMENT
        while time.monotonic() < deadline:
            if _is_free(last.port, host):
                return last.port
            time.sleep(0.05)
    first = zlib.crc32(name.encode()) % _PORTS
    for step in range(_PORTS):
        port = _FIRST_PORT + (first + step) % _PORTS
        if _is_free(port, host):
            return port
    raise ServingError(f"no port from {_FIRST_PORT} to {_FIRST_PORT + _PORTS - 1} is free on {host}")


def _is_free(port: int, host: str) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
            # Two may bind a port that nobody listens on.
            attempt.listen()
        except OSError:
            return False
    return True


def _environment() -> dict[str, str]:
    """Without Airflow's settings, which hold secrets that the server has no need of."""
    found = independent(os.environ)
    return {name: value for name, value in found.items() if not name.startswith(("AIRFLOW", "_AIRFLOW"))}


def _turn_over(path: Path) -> None:
    if path.exists() and path.stat().st_size > _LONGEST_LOG:
        path.replace(path.with_suffix(".1.log"))
