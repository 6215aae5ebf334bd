"""A retrieval as a command does it, in a folder of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from airflow_mlcraft.steps.command import run
from airflow_mlcraft.steps.services import Connection, Services
from airflow_mlcraft.steps.sources import retry


@dataclass
class Retrieval:
    """Runs one after another, with what outlives them."""

    folder: Path
    state: Path | None
    secrets: dict[str, str] = field(default_factory=dict)
    connections: dict[str, Connection] = field(default_factory=dict)
    log_lines: list[str] = field(default_factory=list)

    def __call__(self, source: str, *options: str, state: bool = True) -> int:
        self.log_lines.clear()
        services = Services(
            secret=self.secrets.get,
            connection=self.connections.get,
            state=self.state if state else None,
            log=self.log_lines.append,
        )
        given = ["--source", source] if source else []
        return run(["retrieve", *given, *options], folder=self.folder, services=services)

    def connect(self, name: str, uri: str, login: str = "", password: str = "", **extra: str) -> None:
        self.connections[name] = Connection(uri, login, password, extra)

    @property
    def log(self) -> str:
        return "\n".join(self.log_lines)

    def data(self, extension: str = "csv") -> bytes:
        return (self.folder / f"data.{extension}").read_bytes()

    def json(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = json.loads((self.folder / f"{name}.json").read_text("utf-8"))
        return found

    def everything(self) -> str:
        """All that was said and kept, apart from the data itself."""
        files = [*self.folder.rglob("*.json"), *(self.state.rglob("*.json") if self.state else [])]
        return self.log + "".join(path.read_text("utf-8") for path in files)


@pytest.fixture
def retrieve(tmp_path: Path) -> Retrieval:
    folder = tmp_path / "work"
    folder.mkdir()
    return Retrieval(folder, tmp_path / "state")


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.01)
