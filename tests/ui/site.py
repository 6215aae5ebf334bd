"""`make up` in a copy of the project, so that its documents may be broken and edited."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
START = 600.0
STOP = 60.0
_PRINTED = re.compile(
    r"Airflow +(?P<url>\S+)\s+user +(?P<user>\S+)\s+password +(?P<password>\S+)\s+MLflow +(?P<mlflow>\S+)"
)


@dataclass(frozen=True)
class Site:
    """A running web UI: the addresses that `make up` has printed, and its project."""

    url: str
    user: str
    password: str
    mlflow: str
    project: Path


@contextmanager
def run_site(project: Path) -> Iterator[Site]:
    """Run `make up` on a copy of the project within the block; no process is left behind."""
    for name in ("tools", "dags", "cwl"):
        shutil.copytree(PROJECT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    output = project / "said"
    with output.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "tools/up.py"],
            cwd=project,
            env={**os.environ, "PORT": str(_free_port()), "MLFLOW_PORT": str(_free_port())},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        printed = _wait_for_address(process, output)
        yield Site(**printed.groupdict(), project=project)
    finally:
        _stop(process)
        subprocess.run([sys.executable, "tools/stop.py"], cwd=project, stdout=subprocess.DEVNULL, check=False)
        left_pids = _processes_of(project)
        for pid in left_pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert not left_pids, f"make up left {len(left_pids)} processes behind: {left_pids}"


def _wait_for_address(process: subprocess.Popen[bytes], output: Path) -> re.Match[str]:
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        if printed := _PRINTED.search(output.read_text()):
            return printed
        if process.poll() is not None:
            break
        time.sleep(0.25)
    raise AssertionError(f"make up did not start: {output.read_text()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop the process like Ctrl-C."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _processes_of(project: Path) -> dict[int, str]:
    """The processes that have the project's Airflow home, where the system tells.

    The one that sends to MLflow is not among them: it ends by itself some time after it has nothing more to send.
    """
    home = f"AIRFLOW_HOME={project}/".encode()
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if home in (folder / "environ").read_bytes():
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return {pid: command for pid, command in found.items() if "airflow_mlcraft.tracking.spool.sender" not in command}


def _free_port() -> int:
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        port: int = attempt.getsockname()[1]
    return port
