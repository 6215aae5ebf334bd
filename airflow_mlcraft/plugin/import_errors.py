"""Import errors of documents, which stay listed between two parses.

Airflow stores an error under a path and, each time that it looks for new DAG files, deletes those whose path is not
among them. Documents are not DAG files, so their errors would be gone until the next parse. They cannot be stored
under the path of the DAG file: an error of a DAG file deactivates all of its DAGs. So the process that stores the
errors undoes the deletion of one while its document exists and a recent parse has reported it.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path

from airflow.listeners import hookimpl

from airflow_mlcraft.adapters.airflow_core import keep_import_errors
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
    keep_import_errors(_is_current)


def _is_current(file: str, reported: datetime | None) -> bool:
    """Whether the document of an error exists, and no later parse has found it without error."""
    path = Path(file)
    return (
        path.name.endswith(SUFFIXES)
        and path.exists()
        and reported is not None
        and datetime.now(tz=timezone.utc) - reported < _max_report_interval()
    )


def _max_report_interval() -> timedelta:
    """The longest possible time between two reports of an error: two parses at Airflow's limits."""
    from airflow.configuration import conf

    interval = conf.getfloat("dag_processor", "min_file_process_interval", fallback=30)
    limit = conf.getfloat("dag_processor", "dag_file_processor_timeout", fallback=50)
    return timedelta(seconds=2 * (interval + limit))
