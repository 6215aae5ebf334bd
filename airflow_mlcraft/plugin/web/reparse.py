"""Changes in Airflow's database after a change of a document: priority parsing, stale DAGs, import errors."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.models.dag import DagModel
from airflow.models.dagbag import DagPriorityParsingRequest
from airflow.models.errors import ParseImportError
from sqlalchemy import delete, or_, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

_LOADER = b"load_cwl_dags"


def ask_to_parse(session: Session, dag_id: str, neighbours: Collection[str]) -> None:
    """The file of a DAG; of a new one, the files that have made the DAGs of the documents beside it."""
    for bundle, file in sorted(_files_for(session, dag_id, neighbours)):
        with suppress(IntegrityError), session.begin_nested():
            # A file can be asked for once; a request that is still there will do.
            session.add(DagPriorityParsingRequest(bundle_name=bundle, relative_fileloc=file))


def forget(session: Session, dag_id: str, others: Collection[str]) -> None:
    """Mark the DAGs of a removed document as stale, as Airflow itself does a minute or more later.

    A packed document has a DAG for each of its processes, with more behind its id; so has each of the `others`.
    """
    made = _dags_of(session, dag_id)
    for other in others:
        if other.startswith(f"{dag_id}."):
            made -= _dags_of(session, other)
    # A DAG of somebody's own may have such an id, too.
    ours = tuple_(DagModel.bundle_name, DagModel.relative_fileloc).in_(_files_for(session, dag_id, others))
    session.execute(update(DagModel).where(DagModel.dag_id.in_(made), ours).values(is_stale=True))


def forget_error(session: Session, folder: Path, name: str) -> None:
    """Take off the import error of a document that is mended or gone, which Airflow would show for minutes still."""
    # It is filed under the document's path, as seen from where the DAG processor was started.
    path = f"{folder.name}/{name}"
    filed = or_(ParseImportError.filename == path, ParseImportError.filename.endswith(f"/{path}", autoescape=True))
    session.execute(delete(ParseImportError).where(filed).execution_options(synchronize_session=False))


def _dags_of(session: Session, dag_id: str) -> set[str]:
    belongs = or_(DagModel.dag_id == dag_id, DagModel.dag_id.startswith(f"{dag_id}.", autoescape=True))
    return set(session.scalars(select(DagModel.dag_id).where(belongs)))


def _files_for(session: Session, dag_id: str, neighbours: Collection[str]) -> set[tuple[str, str]]:
    # All parts of a shared folder: a new document may be in any.
    return _files_of(session, [dag_id]) or _files_of(session, neighbours) or set(_loading_files())


def _files_of(session: Session, dag_ids: Collection[str]) -> set[tuple[str, str]]:
    rows = session.execute(
        select(DagModel.bundle_name, DagModel.relative_fileloc)
        .where(DagModel.dag_id.in_(dag_ids), DagModel.is_stale.is_(False), DagModel.relative_fileloc.is_not(None))
        .distinct()
    )
    return {(bundle, str(file)) for bundle, file in rows}


def _loading_files() -> Iterator[tuple[str, str]]:
    """The DAG files of local bundles that load documents, when none of them has made a DAG yet."""
    bundles = DagBundlesManager()  # type: ignore[no-untyped-call]
    for bundle in bundles.get_all_dag_bundles():
        root = Path(bundle.path)
        for file in root.rglob("*.py") if root.is_dir() else ():
            if file.is_file() and _LOADER in file.read_bytes():
                yield bundle.name, file.relative_to(root).as_posix()
