"""One warm process for all tests of this folder: starting Airflow takes longer than any of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


class Child:
    """A scenario under way."""

    def __init__(self, warm: Warm, pid: int, folder: Path) -> None:
        self.warm = warm
        self.pid = pid
        self.folder = folder

    def join(self) -> dict[str, Any]:
        """What the scenario returned."""
        code = self.wait()
        assert code == 0, self.text("stderr")
        answer: dict[str, Any] = json.loads((self.folder / "answer.json").read_text())
        return answer

    def wait(self) -> int:
        return int(self.warm.ask(what="wait", pid=self.pid))

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()


class Warm:
    """The warm process."""

    def __init__(self, home: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "warm_process.py"), str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
            env=environment(),
        )
        assert self.answer() == "ready"

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, **order: Any) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def start(self, what: str, folder: Path, **arguments: Any) -> Child:
        folder.mkdir(parents=True, exist_ok=True)
        pid = int(self.ask(what=what, folder=str(folder), arguments=arguments))
        return Child(self, pid, folder)


def environment() -> dict[str, str]:
    import os

    root = str(Path(__file__).parents[2])
    return {**os.environ, "PYTHONPATH": root}


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    made = Warm(tmp_path_factory.mktemp("home"))
    yield made
    assert made.process.stdin is not None
    made.process.stdin.close()
    made.process.wait(20)
