"""Folders of projects for the tests of the verbs; one has a project that is trained once for each test process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from airflow_mlcraft.project.project_paths import Project, Projects
from tests.operators.embedded import PROJECT, CommandResult, fork_server

MODELS = ("naive_bayes", "decision_tree")
_CLEARED_VARIABLES = ("VISUAL", "EDITOR", "MLCRAFT_PROJECTS")


@dataclass(frozen=True)
class Workspace:
    """The current folder of a user, with a home folder of its own."""

    folder: Path

    @property
    def projects(self) -> Projects:
        return Projects(self.folder / "ml_projects")

    def project(self, name: str = "iris") -> Project:
        return Project(self.projects.root / name)

    def environment(self) -> dict[str, str]:
        home = self.folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        return {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache"), **dict.fromkeys(_CLEARED_VARIABLES, "")}

    def mlcraft(self, *arguments: str | Path, stdin: str = "", **environment: str) -> CommandResult:
        """Run the command in the warm process."""
        given = {**self.environment(), **environment}
        return fork_server().command("mlcraft", *arguments, folder=self.folder, stdin=stdin, env=given, preload_ml=True)

    def start(
        self, *arguments: str | Path, environment: dict[str, str] | None = None, **options: object
    ) -> subprocess.Popen[str]:
        """Start the command in a separate process, which can receive signals."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return subprocess.Popen(
            [sys.executable, "-m", "airflow_mlcraft.cli.main", *map(str, arguments)],
            cwd=self.folder,
            env={**os.environ, **self.environment(), "PYTHONPATH": str(PROJECT), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **options,  # type: ignore[call-overload]
        )

    def copy(self, folder: Path) -> Workspace:
        """A copy in another folder, which a test may change."""
        shutil.copytree(self.folder / "ml_projects", folder / "ml_projects", symlinks=True)
        return Workspace(folder)


@cache
def trained() -> Workspace:
    """A folder with the project iris and two trained models. A test that changes it copies it."""
    made = Workspace(Path(tempfile.mkdtemp(prefix="mlcraft-projects-", dir=os.environ["AIRFLOW_HOME"])))
    for arguments in (("init", "iris", "-p", "classification"), ("train", "iris", "--quiet", "-m", *MODELS)):
        result = made.mlcraft(*arguments)
        assert result.code == 0, result.err
    return made


def processes_of(folder: Path) -> dict[int, str]:
    """The command lines that contain this folder, by process id."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found[int(path.parent.name)] = line
    return found
