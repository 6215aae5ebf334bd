"""One fork server for all tests of this folder: starting Airflow takes longer than any of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


class ScenarioProcess:
    """A scenario that runs in a child of the fork server."""

    def __init__(self, server: ForkServer, pid: int, folder: Path) -> None:
        self.server = server
        self.pid = pid
        self.folder = folder

    def join(self) -> dict[str, Any]:
        """What the scenario returned."""
        code = self.wait()
        assert code == 0, self.text("stderr")
        answer: dict[str, Any] = json.loads((self.folder / "answer.json").read_text())
        return answer

    def wait(self) -> int:
        return int(self.server.send_request(what="wait", pid=self.pid))

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()


class ForkServer:
    """A process in which Airflow is loaded, and which forks a child for each scenario."""

    def __init__(self, home: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "fork_server_process.py"), str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
            env=environment(),
        )
        assert self.read_response() == "ready"

    def read_response(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def send_request(self, **order: Any) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return self.read_response()

    def start(self, what: str, folder: Path, **arguments: Any) -> ScenarioProcess:
        folder.mkdir(parents=True, exist_ok=True)
        pid = int(self.send_request(what=what, folder=str(folder), arguments=arguments))
        return ScenarioProcess(self, pid, folder)


def environment() -> dict[str, str]:
    import os

    root = str(Path(__file__).parents[2])
    return {**os.environ, "PYTHONPATH": root}


@pytest.fixture(scope="session")
def fork_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    made = ForkServer(tmp_path_factory.mktemp("home"))
    yield made
    assert made.process.stdin is not None
    made.process.stdin.close()
    made.process.wait(20)
