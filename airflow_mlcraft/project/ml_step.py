"""Single machine-learning steps for a project outside of a run, in its Python environment; predictions by them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import dependencies
from airflow_mlcraft.project import manifest as manifests
from airflow_mlcraft.project.embedded import project_environment
from airflow_mlcraft.project.manifest import Manifest
from airflow_mlcraft.project.project_paths import Project
from airflow_mlcraft.project.training import require_champion
from airflow_mlcraft.steps.predict import FILE
from airflow_mlcraft.steps.services import Services


def run_step(
    project: Project,
    manifest: Manifest,
    arguments: list[str],
    folder: Path,
    report: Callable[[str], None] | None = None,
) -> None:
    """Run `mlcraft-step` with these arguments; its outputs are in `folder`. A failure raises ProjectError."""
    from airflow_mlcraft.steps.command import run

    lines: list[str] = []

    def record_line(line: str) -> None:
        lines.append(line)
        if report is not None:
            report(line)

    own_environment = dependencies.prepare_environment(project, record_line)
    with project_environment(project, manifest):
        if own_environment is None:
            code = run(arguments, folder=folder, services=Services(log=record_line))
        else:
            code = own_environment.run_step(arguments, folder, record_line, {})
    if code != 0:
        raise ProjectError(lines[-1].removeprefix("mlcraft-step: ") if lines else f"the step {arguments[0]} failed")


@contextmanager
def predict_to_csv(project: Project, data: Path | BinaryIO) -> Iterator[Path]:
    """Predict the rows of a file or stream; yields a temporary CSV file with the rows and the predictions."""
    champion = require_champion(project)
    with tempfile.TemporaryDirectory(prefix="mlcraft-predict-") as folder_name:
        folder = Path(folder_name)
        if isinstance(data, Path):
            path = _find_data_file(project, data)
        else:
            path = folder / "data"
            with path.open("wb") as copy:
                shutil.copyfileobj(data, copy)
        run_step(
            project,
            manifests.read_manifest(project),
            ["predict", "--model", str(champion), "--data", str(path)],
            folder,
        )
        yield folder / FILE


def _find_data_file(project: Project, data: Path) -> Path:
    """The path of a file in the current folder or in the project's. Raises ProjectError if there is none."""
    for path in (data.absolute(), project.folder / data):
        if path.is_file():
            return path
    raise ProjectError(f"there is no file {data}", "name a file of CSV, JSON, JSON lines or Parquet")
