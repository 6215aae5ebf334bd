"""A place with parents of its own, commands that use them, and terminals."""

from __future__ import annotations

import fcntl
import os
import pty
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from airflow_mlcraft.cli.warm import client

HERE = Path(__file__).parent
TIME_LIMIT = 30.0


class Place:
    """A user's folder for a parent, and commands that look for one there."""

    def __init__(self, runtime: Path) -> None:
        self.runtime = runtime
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "CI"},
            "XDG_RUNTIME_DIR": str(runtime),
            "MLCRAFT_WARM": "1",
            "MLCRAFT_HOME": str(runtime / "home"),
            "PYTHONPATH": str(HERE.parents[2]),
        }
        self.parents: list[subprocess.Popen[bytes]] = []

    @property
    def socket(self) -> Path:
        return Path(client.socket_path(str(self.runtime / "mlcraft")))

    @property
    def lock(self) -> Path:
        return self.socket.with_suffix(".lock")

    @property
    def log(self) -> Path:
        return self.runtime / "log"

    def start(self, prepare: Callable[[], object] | None = None, **variables: str) -> subprocess.Popen[bytes]:
        """Start a parent, and wait until it serves."""
        (self.runtime / "mlcraft").mkdir(mode=0o700, exist_ok=True)
        parent = subprocess.Popen(
            [sys.executable, str(HERE / "warm_parent.py"), str(self.runtime / "mlcraft")],
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            stderr=self.log.open("ab"),
            preexec_fn=prepare,  # noqa: PLW1509
        )
        self.parents.append(parent)
        wait_until(lambda: self.answers(parent.pid))
        return parent

    def answers(self, pid: int) -> bool:
        return (self.ask("status") or {}).get("pid") == pid

    def ask(self, what: str) -> dict[str, Any] | None:
        return client.ask(str(self.runtime / "mlcraft"), what, 5)

    def command(self, *words: str) -> list[str]:
        return [sys.executable, str(HERE / "warm_command.py"), *words]

    def run(self, *words: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            self.command(*words),
            check=False,
            **{"env": self.environment, "capture_output": True, "timeout": TIME_LIMIT, **options},
        )

    def begin(self, *words: str, **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command(*words),
            **{"env": self.environment, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )

    def close(self) -> None:
        for parent in self.parents:
            parent.kill()
            parent.wait()
        shutil.rmtree(self.runtime)


def wait_until(condition: Callable[[], object]) -> None:
    ending = time.monotonic() + TIME_LIMIT
    while not condition():
        assert time.monotonic() < ending
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return process_state(pid) != "Z"


def process_state(pid: int) -> str:
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.strip()[:1] or "Z"


def new_place() -> Place:
    return Place(Path(tempfile.mkdtemp(prefix="warm-")))  # a socket's path has to be short


def open_terminal(
    environment: dict[str, str], command: list[str], has_shell: bool = False
) -> tuple[subprocess.Popen[bytes], int]:
    """Begin a command in the foreground of a terminal with 77 columns and 33 lines, alone or as a shell's job."""
    terminal, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))

    process = subprocess.Popen(
        [sys.executable, str(HERE / "warm_shell.py"), *command] if has_shell else command,
        env=environment,
        stdin=inner,
        stdout=inner,
        stderr=inner,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
    )
    os.close(inner)
    return process, terminal


def read_terminal(terminal: int) -> str:
    parts = []
    try:
        while part := os.read(terminal, 4096):
            parts.append(part)
    except OSError:  # the end of a terminal
        pass
    os.close(terminal)
    return b"".join(parts).decode()
