"""Every CWL document of a folder as a DAG, for a DAG file of two lines."""

from __future__ import annotations

import logging
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

from airflow.sdk import get_parsing_context

from airflow_mlcraft.cwl.discover import documents_in
from airflow_mlcraft.dag.broken_document import BrokenDocument
from airflow_mlcraft.dag.cwl_dag import CwlDag
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.layout.task_ids import TaskIds
from airflow_mlcraft.operators.base import plan_cache

log = logging.getLogger(__name__)


def load_cwl_dags(namespace: MutableMapping[str, Any], folder: str | Path, **dag_args: Any) -> None:
    """Put a DAG for each CWL document below `folder` into a DAG file's `globals()`; relative to that file.

    A document that cannot be used is an import error of its own; the others load. In a task, only the DAG
    that the task belongs to is built. `dag_args` are arguments of all the DAGs.
    """
    root = (Path(namespace.get("__file__", "")).parent / folder).resolve()
    if not root.is_dir():
        raise MlcraftError(f"load_cwl_dags: {root} is not a folder; give the folder of your CWL documents")
    wanted = get_parsing_context().dag_id
    for dag_id, path in dag_ids_in(root):
        if wanted is not None and dag_id != wanted:
            continue
        try:
            dag: Any = CwlDag.of_plan(plan_cache().plan_of(path), dag_id, **dag_args)
        except MlcraftError as error:
            dag = BrokenDocument(dag_id, path, error)
            log.error("%s", error)
        namespace[f"cwl_dag_{dag_id}"] = dag


def dag_ids_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """The id of each document's DAG: its path below the folder, with dots for slashes."""
    ids = TaskIds()
    for path in documents_in(folder):
        relative = path.relative_to(folder)
        name = relative.with_suffix("") if path.suffix == ".cwl" else relative
        yield ids.task(".".join(name.parts)), path
