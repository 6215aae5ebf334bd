"""The databases of embedded runs: a migrated template for each Airflow version, a temporary copy for each run."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.adapters.airflow_core import close_thread_session, create_database, create_run, list_engines
from airflow_mlcraft.common.locks import locked
from airflow_mlcraft.runner.home import version_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from airflow_mlcraft.adapters.airflow_core import DagRun


class _Current:
    """The database file of this process, and the engines that open it instead of their configured one."""

    path: Path | None = None
    engines: set[int] = set()  # noqa: RUF012


@contextlib.contextmanager
def copy_for_run(home: Path, keep: Path | None = None) -> Iterator[Path]:
    """Copy the template to a database for one run; removed afterwards, unless `keep` names its folder."""
    template = prepare_template(home)
    folder = Path(tempfile.mkdtemp(prefix="mlcraft-run-")) if keep is None else keep
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "airflow.db"
    shutil.copyfile(template, path)
    previous = _Current.path
    try:
        use_database(path)
        yield path
    finally:
        use_database(previous)
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def use_database(path: Path | None) -> None:
    """Direct all connections of this process to this file."""
    close_connections()
    _Current.path = path
    if path is not None:
        # For processes that a task starts, such as the command `airflow`.
        os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{path}"


def close_connections() -> None:
    """Close all connections of this process, which must not be used in a fork or after their file is gone."""
    for engine in list_engines():
        _redirect(engine)
    close_thread_session()
    for engine in list_engines():
        engine.dispose()


def prepare_template(home: Path) -> Path:
    """The migrated, empty database of this Airflow.

    The first process creates it, and renames it when it is complete.
    """
    path = home / f"template-{version_key()}.db"
    if path.exists():
        return path
    with locked(home / "template.lock"):
        if not path.exists():
            for leftover in home.glob("template-*.part*"):
                leftover.unlink()
            part = home / f"{path.name}.part"
            _create(part)
            part.replace(path)
    return path


def _create(path: Path) -> None:
    previous = _Current.path
    use_database(path)
    try:
        create_database()
        close_connections()
        _fold_journal(path)
    finally:
        use_database(previous)


def _fold_journal(path: Path) -> None:
    """Fold the write-ahead log into the database file, so that the file can be copied."""
    import sqlite3

    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _redirect(engine: Any) -> None:
    """Make an engine open the current file, with the settings for a database that need not survive a crash."""
    if id(engine) in _Current.engines:
        return
    _Current.engines.add(id(engine))
    from sqlalchemy import event

    @event.listens_for(engine, "do_connect")
    def open_current(dialect: Any, record: Any, arguments: list[Any], options: dict[str, Any]) -> None:
        if _Current.path is None:
            raise RuntimeError("No run is under way: the embedded Airflow has no database open.")
        arguments[0] = str(_Current.path)

    @event.listens_for(engine, "connect")
    def tune(connection: Any, record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous=OFF")
        cursor.execute("PRAGMA busy_timeout=60000")
        cursor.close()


BUNDLE = "embedded"


def register_run(dag: Any, *, conf: dict[str, Any] | None, run_id: str | None, session: Session) -> DagRun:
    """Store the bundle, the DAG, its serialized form and version, and a new DagRun in state running."""
    dag.validate()
    # Airflow stores a DAG's source file. A DAG built in memory has none, so it gets this file.
    return create_run(dag, bundle=BUNDLE, source=__file__, conf=conf, run_id=run_id, session=session)
