"""Compile the documents of a folder into the plan cache, and write the DAG file that loads them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.dag.folder import Document, Folder
from airflow_mlcraft.dag.loader import dag_ids_in
from airflow_mlcraft.errors import MlcraftError

_DAG_FILE = """\
from airflow_mlcraft import load_cwl_dags

load_cwl_dags(globals(), {folder!r})
"""


@dataclass(frozen=True)
class Imported:
    """A document and the DAG that it makes, or why it makes none."""

    dag_id: str
    document: Path
    error: MlcraftError | None = None

    def to_json(self) -> Json:
        """Its parts."""
        return {
            "dag_id": self.dag_id,
            "document": str(self.document),
            "error": None if self.error is None else str(self.error),
        }


def import_folder(folder: Path) -> Iterator[Imported]:
    """Compile each document of a folder, so that Airflow's first parse finds all plans ready."""
    parsed = Folder(folder, [Document(*found) for found in dag_ids_in(folder)], {})
    for document in parsed.documents:
        for dag_id, plan in parsed.look(document, parsed.cache.compile):
            yield Imported(dag_id, document.path, plan if isinstance(plan, MlcraftError) else None)


def write_dag_file(folder: Path, dag_file: Path) -> None:
    """Write a DAG file for a folder; one that is there and does something else is left alone."""
    text = _DAG_FILE.format(folder=_spelled(folder.absolute(), dag_file.absolute().parent))
    if dag_file.exists() and dag_file.read_text(encoding="utf-8") != text:
        raise MlcraftError(f"{dag_file} is there already and does something else; give another name")
    dag_file.parent.mkdir(parents=True, exist_ok=True)
    dag_file.write_text(text, encoding="utf-8")


def _spelled(folder: Path, start: Path) -> str:
    """Relative to the DAG file where both move together, absolute otherwise."""
    relative = os.path.relpath(folder, start)
    return str(folder) if Path(relative).parts.count("..") > 1 else relative
