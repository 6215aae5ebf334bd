"""`predict`: what the champion says to rows, by the very step that a workflow would run."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import manifest as manifests
from airflow_mlcraft.project.places import Project
from airflow_mlcraft.project.step import run_step
from airflow_mlcraft.project.train import needs_champion
from airflow_mlcraft.steps.predict import FILE


@contextmanager
def predictions(project: Project, data: Path | BinaryIO) -> Iterator[Path]:
    """A file of CSV with the rows of a file, or of a stream, and the predictions; it is gone afterwards."""
    champion = needs_champion(project)
    with tempfile.TemporaryDirectory(prefix="mlcraft-predict-") as place:
        folder = Path(place)
        if isinstance(data, Path):
            path = _found(project, data)
        else:
            path = folder / "given"
            with path.open("wb") as copy:
                shutil.copyfileobj(data, copy)
        run_step(project, manifests.read(project), ["predict", "--model", str(champion), "--data", str(path)], folder)
        yield folder / FILE


def _found(project: Project, data: Path) -> Path:
    """A file from where the user is, or from the project's folder."""
    for path in (data.absolute(), project.folder / data):
        if path.is_file():
            return path
    raise ProjectError(f"there is no file {data}", "name a file of CSV, JSON, JSON lines or Parquet")
