"""Import errors of documents, which stay listed between two parses.

Airflow stores an error under a path and, each time that it looks for new DAG files, deletes those whose path is not
among them. Documents are not DAG files, so their errors would be gone until the next parse. They cannot be stored
under the path of the DAG file: an error of a DAG file deactivates all of its DAGs. So the process that stores the
errors undoes the deletion of one while its document exists and a recent parse has reported it.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from airflow.listeners import hookimpl

from airflow_mlcraft.cwl.discover import SUFFIXES


@hookimpl
def on_new_dag_import_error(filename: str, stacktrace: str) -> None:
    """Start to watch deletions in this process, which stores import errors."""
    _watch_deletions()


@hookimpl
def on_existing_dag_import_error(filename: str, stacktrace: str) -> None:
    """Start to watch deletions in this process, which stores import errors."""
    _watch_deletions()


@cache
def _watch_deletions() -> None:
    from sqlalchemy import event
    from sqlalchemy.orm import Session

    event.listen(Session, "before_flush", _keep_current_errors)


def _keep_current_errors(session: Any, context: Any, instances: Any) -> None:
    from airflow.models.errors import ParseImportError

    for error in [each for each in session.deleted if isinstance(each, ParseImportError)]:
        if _is_current(error):
            # `add` undoes a deletion that is not flushed yet.
            session.add(error)


def _is_current(error: Any) -> bool:
    """Whether the error's document exists, and no later parse has found it without error."""
    from airflow.sdk.timezone import utcnow

    path = Path(str(error.filename))
    reported_at = error.timestamp
    return (
        path.name.endswith(SUFFIXES)
        and path.exists()
        and reported_at is not None
        and utcnow() - reported_at < _max_report_interval()
    )


def _max_report_interval() -> timedelta:
    """The longest possible time between two reports of an error: two parses at Airflow's limits."""
    from airflow.configuration import conf

    interval = conf.getfloat("dag_processor", "min_file_process_interval", fallback=30)
    limit = conf.getfloat("dag_processor", "dag_file_processor_timeout", fallback=50)
    return timedelta(seconds=2 * (interval + limit))
