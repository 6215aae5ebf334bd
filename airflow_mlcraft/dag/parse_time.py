"""How long the parse of a DAG file may take: Airflow ends one that takes too long, and then has none of its DAGs.

There are two limits: on the import of the file, and, in the DAG processor, on import and serialization together.
"""

from __future__ import annotations

import math
import sys
import time

from airflow_mlcraft import settings


def in_dag_processor() -> bool:
    """Only the process that parses for Airflow's DAG processor talks to a supervisor while it parses."""
    runner = sys.modules.get("airflow.sdk.execution_time.task_runner")
    return hasattr(runner, "SUPERVISOR_COMMS")


def seconds_to_wait() -> float:
    """For documents to be compiled. A command parses once, so it waits while it may."""
    if not in_dag_processor():
        return _import_limit() * 2 / 3
    return min(settings.get_seconds("parse_seconds"), _import_limit() / 3, _processor_limit() / 3)


class ParseClock:
    """How much of Airflow's limits a parse has used, with what Airflow still has to do to the DAGs that are built.

    What that takes is measured: some of the DAGs are serialized on the way.
    """

    def __init__(self) -> None:
        # The DAG processor counts from the start of the process that parses, which is a little before the import.
        self._started = time.monotonic() - (_age_of_process() if in_dag_processor() else 0.0)
        self._tasks = 0
        self._sampled_tasks = 0
        self._sampled_seconds = 0.0

    def count(self, tasks: int) -> None:
        """One more DAG is built, of so many tasks."""
        self._tasks += tasks + _TASKS_OF_A_DAG

    def sample(self, tasks: int, seconds: float) -> None:
        """The serialization of a DAG took so long."""
        self._sampled_tasks += tasks + _TASKS_OF_A_DAG
        self._sampled_seconds += seconds

    def used(self) -> float:
        """The part of the nearer limit that is used if the parse ends now: 1 is all of it."""
        passed = time.monotonic() - self._started
        used = passed / _import_limit()
        if in_dag_processor():
            used = max(used, (passed + self._seconds_to_serialize()) / _processor_limit())
        return used

    def _seconds_to_serialize(self) -> float:
        each = self._sampled_seconds / self._sampled_tasks if self._sampled_tasks else 0.0
        return each * self._tasks * _WITH_ENCODING


_WITH_ENCODING = 1.35
"""Serialized DAGs are encoded and sent to the process that stores them, which takes a third of their serialization."""
_TASKS_OF_A_DAG = 3
"""A DAG without its tasks takes as long as so many tasks."""


def _age_of_process() -> float:
    import psutil

    return max(0.0, time.time() - float(psutil.Process().create_time()))


def _import_limit() -> float:
    return _limit("core", "dagbag_import_timeout", 30)


def _processor_limit() -> float:
    return _limit("dag_processor", "dag_file_processor_timeout", 50)


def _limit(section: str, option: str, default: float) -> float:
    from airflow.configuration import conf

    limit = conf.getfloat(section, option, fallback=default)
    return limit if limit > 0 else math.inf
