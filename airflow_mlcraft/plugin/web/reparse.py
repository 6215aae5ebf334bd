"""Changes in Airflow's database after a change of a document: priority parsing, stale DAGs, import errors."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from sqlalchemy import delete, or_, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from airflow_mlcraft.adapters.airflow_core import (
    DagModel,
    DagPriorityParsingRequest,
    ParseImportError,
    find_local_bundles,
)

_LOADER = b"load_cwl_dags"


def request_parsing(session: Session, dag_id: str, neighbours: Collection[str]) -> None:
    """Request priority parsing of a DAG's file; for a new DAG, of the files with the DAGs of its neighbours."""
    for bundle, file in sorted(_find_loading_files(session, dag_id, neighbours)):
        with suppress(IntegrityError), session.begin_nested():
            # Airflow takes one request for a file; one that is still waiting is enough.
            session.add(DagPriorityParsingRequest(bundle_name=bundle, relative_fileloc=file))


def mark_stale(session: Session, dag_id: str, others: Collection[str]) -> None:
    """Mark the DAGs of a removed document as stale, as Airflow itself does a minute or more later.

    A packed document has a DAG for each of its processes, with more behind its id; so has each of the `others`.
    """
    dag_ids = _find_dags(session, dag_id)
    for other in others:
        if other.startswith(f"{dag_id}."):
            dag_ids -= _find_dags(session, other)
    # A DAG that no document made may have such an id, too.
    in_loading_files = tuple_(DagModel.bundle_name, DagModel.relative_fileloc).in_(
        _find_loading_files(session, dag_id, others)
    )
    session.execute(update(DagModel).where(DagModel.dag_id.in_(dag_ids), in_loading_files).values(is_stale=True))


def delete_import_error(session: Session, folder: Path, name: str) -> None:
    """Delete the import error of a document that is mended or gone, which Airflow would still show for minutes."""
    # Airflow stores it under the document's path, relative to where the DAG processor was started.
    path = f"{folder.name}/{name}"
    has_path = or_(ParseImportError.filename == path, ParseImportError.filename.endswith(f"/{path}", autoescape=True))
    session.execute(delete(ParseImportError).where(has_path).execution_options(synchronize_session=False))


def _find_dags(session: Session, dag_id: str) -> set[str]:
    is_of_document = or_(DagModel.dag_id == dag_id, DagModel.dag_id.startswith(f"{dag_id}.", autoescape=True))
    return set(session.scalars(select(DagModel.dag_id).where(is_of_document)))


def _find_loading_files(session: Session, dag_id: str, neighbours: Collection[str]) -> set[tuple[str, str]]:
    # All DAG files that load the folder: a new document may belong to any of them.
    return _find_files(session, [dag_id]) or _find_files(session, neighbours) or set(_list_loading_files())


def _find_files(session: Session, dag_ids: Collection[str]) -> set[tuple[str, str]]:
    rows = session.execute(
        select(DagModel.bundle_name, DagModel.relative_fileloc)
        .where(DagModel.dag_id.in_(dag_ids), DagModel.is_stale.is_(False), DagModel.relative_fileloc.is_not(None))
        .distinct()
    )
    return {(bundle, str(file)) for bundle, file in rows}


def _list_loading_files() -> Iterator[tuple[str, str]]:
    """The DAG files of local bundles that load documents, when none of them has made a DAG yet."""
    for bundle, folder in find_local_bundles():
        for file in folder.rglob("*.py"):
            if file.is_file() and _LOADER in file.read_bytes():
                yield bundle, file.relative_to(folder).as_posix()
