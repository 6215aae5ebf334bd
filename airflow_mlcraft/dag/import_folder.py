"""The import of a folder of documents: compilation into the plan cache, and the DAG files that load them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from airflow_mlcraft.cwl.plan import Json, Plan
from airflow_mlcraft.dag.airflow_limits import build_dag, serialize_dag
from airflow_mlcraft.dag.loader import Document, DocumentFolder, dag_ids_in
from airflow_mlcraft.errors import MlcraftError

_DAG_FILE = """\
from airflow_mlcraft import load_cwl_dags

load_cwl_dags(globals(), {folder!r}{part})
"""
MAX_DOCUMENTS_PER_FILE = 1500
"""The number of documents that Airflow parses well within its time limits."""


@dataclass(frozen=True)
class ImportedDag:
    """A document's DAG, or the error in its place."""

    dag_id: str
    document: Path
    error: MlcraftError | None = None

    def to_json(self) -> Json:
        """A dict of the fields."""
        return {
            "dag_id": self.dag_id,
            "document": str(self.document),
            "error": None if self.error is None else str(self.error),
        }


def import_folder(folder: Path) -> Iterator[ImportedDag]:
    """Compile each document of a folder, so that Airflow's first parse finds all plans ready."""
    parsed = DocumentFolder(folder, [Document(*found) for found in dag_ids_in(folder)], {})
    for document in parsed.documents:
        for dag_id, plan in parsed.look_up(document, parsed.cache.compile):
            yield ImportedDag(dag_id, document.path, _find_error(dag_id, plan))


def _find_error(dag_id: str, plan: Plan | MlcraftError | None) -> MlcraftError | None:
    """The error of a document that has no plan, or whose DAG Airflow would refuse."""
    if not isinstance(plan, Plan):
        return plan
    try:
        serialize_dag(build_dag(plan, dag_id))
    except MlcraftError as error:
        return error
    return None


def write_dag_files(folder: Path, dag_file: Path, documents: int) -> list[Path]:
    """Write a DAG file for a folder, or several with a part of it each where there are too many documents for one.

    Raises an error for an existing file with other content.
    """
    argument = _folder_argument(folder.absolute(), dag_file.absolute().parent)
    parts = max(1, -(-documents // MAX_DOCUMENTS_PER_FILE))
    texts = {
        dag_file if parts == 1 else dag_file.with_stem(f"{dag_file.stem}_{number}"): _DAG_FILE.format(
            folder=argument, part=f", part=({number}, {parts})" if parts > 1 else ""
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


def _folder_argument(folder: Path, start: Path) -> str:
    """The folder relative to the DAG file where it is beside or below it or its parent, absolute otherwise."""
    relative = os.path.relpath(folder, start)
    return str(folder) if Path(relative).parts.count("..") > 1 else relative
