"""Every CWL document of a folder as a DAG, for a DAG file of two lines."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

from airflow.sdk import get_parsing_context

from airflow_mlcraft.cwl.discover import names_in
from airflow_mlcraft.dag.folder import Document, Folder
from airflow_mlcraft.dag.parse_time import ParseClock
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.layout.task_ids import TaskIds


def load_cwl_dags(
    namespace: MutableMapping[str, Any], folder: str | Path, *, part: tuple[int, int] = (1, 1), **dag_args: Any
) -> None:
    """Put a DAG for each CWL document below `folder` into a DAG file's `globals()`; relative to that file.

    A document that cannot be used is an import error of its own; the others load. Documents that have to be
    compiled first are compiled by a process of their own: those that take too long for one parse are DAGs after a
    later one. In a task, only the DAG that the task belongs to is built.

    :param part: which part of the folder, of how many: `(1, 8)` to `(8, 8)` in eight DAG files share it out
    :param dag_args: arguments of all the DAGs
    """
    clock = ParseClock()
    root = (Path(namespace.get("__file__", "")).parent / folder).resolve()
    if not root.is_dir():
        raise MlcraftError(f"load_cwl_dags: {root} is not a folder; give the folder of your CWL documents")
    documents = [Document(dag_id, path) for dag_id, path in dag_ids_in(root)]
    parsed = Folder(root, documents, dag_args, clock=clock)
    wanted = get_parsing_context().dag_id
    found = parsed.dags(_part_of(documents, part), part) if wanted is None else parsed.dag(wanted)
    for dag in found:
        namespace[f"cwl_dag_{dag.dag_id}"] = dag


def dag_ids_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """The id of each document's DAG: its path below the folder, with dots for slashes."""
    ids = TaskIds()
    for name in names_in(folder):
        yield ids.task(name.removesuffix(".cwl").replace("/", ".")), folder / name


def _part_of(documents: list[Document], part: tuple[int, int]) -> list[Document]:
    """A document stays in its part, whatever documents come and go."""
    number, parts = part
    if not 1 <= number <= parts:
        raise MlcraftError(f"load_cwl_dags: part is {part}; expected (1, n) to (n, n) for n DAG files")
    return [document for document in documents if zlib.crc32(document.dag_id.encode()) % parts == number - 1]
