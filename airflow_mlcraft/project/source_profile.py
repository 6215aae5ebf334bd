"""A data source as a table with its profile, for a project that does not exist yet."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project.project_paths import Project
from airflow_mlcraft.project.run_inputs import is_local_path

if TYPE_CHECKING:
    import pandas as pd

_MAX_COLUMNS = 12


@dataclass(frozen=True)
class SourceTable:
    """The rows of a source, the profile of its columns, and its size in bytes."""

    frame: pd.DataFrame
    profile: dict[str, Any] = field(default_factory=dict)
    size: int = 0

    def lines(self) -> list[str]:
        """The lines of the profile for a terminal, with at most the first columns."""
        from airflow_mlcraft.steps.profile_table import format_profile

        columns = self.profile["columns"]
        shown = dict(list(columns.items())[:_MAX_COLUMNS])
        lines = format_profile({**self.profile, "columns": shown}, self.size)
        lines[0] = lines[0].replace(f"{len(shown):,} columns", f"{len(columns):,} columns")
        if len(columns) > _MAX_COLUMNS:
            lines.append(f"… and {len(columns) - _MAX_COLUMNS:,} more columns")
        return lines


def read_source(source: str) -> SourceTable:
    """Read a source with the step `retrieve`; a path is relative to the current folder."""
    from airflow_mlcraft.ml.data.read import read_frame
    from airflow_mlcraft.steps.command import run
    from airflow_mlcraft.steps.services import Services

    lines: list[str] = []
    address = str(Path(source).absolute()) if is_local_path(source) else source
    with tempfile.TemporaryDirectory(prefix="mlcraft-init-") as folder_name:
        folder = Path(folder_name)
        if run(["retrieve", "--source", address], folder=folder, services=Services(log=lines.append)) != 0:
            raise ProjectError(lines[-1].removeprefix("mlcraft-step: ") if lines else f"{source} cannot be read")
        data = next(folder.glob("data.*"))
        profile = json.loads((folder / "profile.json").read_text("utf-8"))
        return SourceTable(read_frame(data), profile, data.stat().st_size)


def source_for_manifest(project: Project, source: str) -> str:
    """The source for mlcraft.toml: a path relative to the current folder becomes relative to the project's."""
    if not is_local_path(source) or Path(source).is_absolute() or (project.folder / source).exists():
        return source
    return os.path.relpath(Path(source).absolute(), project.folder) if Path(source).exists() else source
