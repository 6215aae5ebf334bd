"""A fork server, in which Airflow and cwltool are loaded, for all tests that run documents or commands.

Each run is a child that is forked from it, so nothing of one run is left for the next.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

PROJECT = Path(__file__).parents[2]
DOCUMENTS = PROJECT / "tests" / "documents"


@dataclass
class DagRunResult:
    """How a run of a DAG ended."""

    state: str
    outputs: Any
    failed: list[dict[str, Any]]
    states: dict[str, str]
    """By task, as `task` or `task[map_index]`."""
    tries: dict[str, int]
    lines: list[list[str]]
    xcom: dict[str, Any]
    names: list[str]
    """What the mapped instances are called, in order."""
    events: list[list[Any]]
    """Those of assets: URI and extra, where they were asked for with `asset_events`."""
    folder: Path = field(default_factory=Path)

    def ok(self) -> Any:
        """The outputs of a run that went well."""
        assert self.state == "success", self.failed
        return self.outputs

    def error_messages(self) -> str:
        """Why tasks failed."""
        return "\n".join(f"{failure['task_id']}: {failure['message']}" for failure in self.failed)

    def log(self, task: str) -> str:
        """A task's log."""
        return "\n".join(line for of, _, line in self.lines if of == task)


@dataclass
class CommandResult:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Its standard output, which must be JSON alone."""
        assert self.code == 0, self.err
        return json.loads(self.out)


class ForkServer:
    """The process in which Airflow and cwltool are loaded."""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="mlcraft-warm-", dir=os.environ.get("AIRFLOW_HOME")))
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("embedded_process.py")), str(self.root / "home")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(PROJECT), "MLCRAFT_HOME": str(self.root / "home")},
        )
        assert self._answer() == "ready"

    def run(self, folder: Path, document: str | Path, job: Any = None, **options: Any) -> DagRunResult:
        """Run a document, or the DAG in a Python file, below `folder`; documents are named below tests/documents."""
        folder.mkdir(parents=True, exist_ok=True)
        path = document if isinstance(document, Path) else DOCUMENTS / document
        output = self._child(folder, what="dag", document=str(path), job=job or {}, **options)
        answer = folder / "answer.json"
        assert answer.exists(), f"{output.code}: {output.err}"
        ran = DagRunResult(**json.loads(answer.read_text()), folder=folder)
        answer.unlink()
        return ran

    def cwltool(self, folder: Path, document: str, job: Any = None) -> Any:
        """The outputs of a document by cwltool itself."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "job.json").write_text(json.dumps(job or {}))
        arguments = ["--quiet", "--no-container", "--outdir", str(folder / "out"), str(DOCUMENTS / document)]
        return self._child(folder, what="cwltool", arguments=[*arguments, str(folder / "job.json")]).json()

    def command(
        self,
        name: str,
        *arguments: str | Path,
        folder: Path,
        stdin: str = "",
        env: dict[str, str] | None = None,
        preload_ml: bool = False,
    ) -> CommandResult:
        """Run one of our commands in a folder: `mlcraft` or `mlcraft-cwl-runner`."""
        folder.mkdir(parents=True, exist_ok=True)
        words = [str(part) for part in arguments]
        return self._child(
            folder, what=name, arguments=words, stdin=stdin, env=env or {}, chdir=True, preload_ml=preload_ml
        )

    def _child(self, folder: Path, **order: Any) -> CommandResult:
        place = Path(tempfile.mkdtemp(prefix="child-", dir=self.root))
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({**order, "folder": str(folder), "place": str(place)}) + "\n")
        self._process.stdin.flush()
        code = int(self._answer())
        return CommandResult(code, (place / "stdout").read_text(), (place / "stderr").read_text())

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@cache
def fork_server() -> ForkServer:
    """The fork server of this test process; it ends when its standard input does."""
    return ForkServer()


def names_and_texts(value: Any) -> Any:
    """Outputs with each File as [name, text, secondary files], each Directory as {name: its listing}."""
    if isinstance(value, list):
        return [names_and_texts(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("class") == "File":
        text = Path(unquote(value["location"].removeprefix("file://"))).read_text()
        return [value["basename"], text, *names_and_texts(value.get("secondaryFiles", []))]
    if value.get("class") == "Directory":
        listing = names_and_texts(value.get("listing", []))
        return {value["basename"]: sorted(listing, key=str)}
    return {key: names_and_texts(item) for key, item in value.items()}
