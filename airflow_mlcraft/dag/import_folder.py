"""Compile the documents of a folder into the plan cache, and write the DAG files that load them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from airflow_mlcraft.cwl.plan import Json, Plan
from airflow_mlcraft.dag.airflow_limits import build_dag, check_stored_form
from airflow_mlcraft.dag.loader import Document, Folder, dag_ids_in
from airflow_mlcraft.errors import MlcraftError

_DAG_FILE = """\
from airflow_mlcraft import load_cwl_dags

load_cwl_dags(globals(), {folder!r}{part})
"""
MOST_DOCUMENTS = 1500
"""As many as Airflow parses well within its limits."""


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
            yield Imported(dag_id, document.path, _error_of(dag_id, plan))


def _error_of(dag_id: str, plan: Plan | MlcraftError | None) -> MlcraftError | None:
    """Why there is no plan, or why Airflow would not take its DAG."""
    if not isinstance(plan, Plan):
        return plan
    try:
        check_stored_form(build_dag(plan, dag_id))
    except MlcraftError as error:
        return error
    return None


def write_dag_files(folder: Path, dag_file: Path, documents: int) -> list[Path]:
    """Write a DAG file for a folder, or several that share it out where one would be too large.

    A file that is there and does something else is left alone.
    """
    spelled = _spelled(folder.absolute(), dag_file.absolute().parent)
    parts = max(1, -(-documents // MOST_DOCUMENTS))
    texts = {
        dag_file if parts == 1 else dag_file.with_stem(f"{dag_file.stem}_{number}"): _DAG_FILE.format(
            folder=spelled, part=f", part=({number}, {parts})" if parts > 1 else ""
        )
        for number in range(1, parts + 1)
    }
    if parts > 1 and dag_file.exists():
        raise MlcraftError(
            f"{documents} documents are too many for {dag_file} alone; remove it, and {parts} DAG files take its place"
        )
    for path, text in texts.items():
        if path.exists() and path.read_text(encoding="utf-8") != text:
            raise MlcraftError(f"{path} is there already and does something else; remove it, or give another name")
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(texts)


def _spelled(folder: Path, start: Path) -> str:
    """Relative to the DAG file where both move together, absolute otherwise."""
    relative = os.path.relpath(folder, start)
    return str(folder) if Path(relative).parts.count("..") > 1 else relative
