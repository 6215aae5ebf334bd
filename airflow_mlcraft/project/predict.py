"""`predict`: what the champion says to rows, by the very step that a workflow would run."""

from __future__ import annotations

import tempfile
from pathlib import Path

from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import manifest as manifests
from airflow_mlcraft.project.places import Project
from airflow_mlcraft.project.step import run_step
from airflow_mlcraft.project.train import needs_champion


def predict(project: Project, data: Path | bytes) -> str:
    """The rows of a file, or of text as it came from standard input, with the predictions; CSV in text."""
    champion = needs_champion(project)
    with tempfile.TemporaryDirectory(prefix="mlcraft-predict-") as place:
        folder = Path(place)
        if isinstance(data, bytes):
            path = folder / "given"
            path.write_bytes(data)
        else:
            path = _found(project, data)
        run_step(project, manifests.read(project), ["predict", "--model", str(champion), "--data", str(path)], folder)
        return (folder / "predictions.csv").read_text("utf-8")


def _found(project: Project, data: Path) -> Path:
    """A file from where the user is, or from the project's folder."""
    for path in (data.absolute(), project.folder / data):
        if path.is_file():
            return path
    raise ProjectError(f"there is no file {data}", "name a file of CSV, JSON, JSON lines or Parquet")
