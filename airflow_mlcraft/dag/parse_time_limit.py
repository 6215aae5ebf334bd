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
    """How much of Airflow's limits a parse has used, with what Airflow still has to do to its DAGs.

    What that takes is measured on the way, in seconds of a core; and how long this process has to wait for one.
    """

    def __init__(self) -> None:
        # The DAG processor counts from the start of the process that parses, which is a little before the import.
        age = _age_of_process() if in_dag_processor() else 0.0
        self._started = time.monotonic() - age
        self._cpu_at_start = time.process_time() if not age else 0.0
        self._import_limit, self._processor_limit = _import_limit(), _processor_limit()
        self._slept = 0.0
        self._to_serialize = _Work()
        self._to_send = _Work()
        self._broken = 0

    def count(self, tasks: int) -> None:
        """One more DAG is built, of so many tasks, which Airflow has to serialize and send."""
        self._to_serialize.total += tasks + _TASKS_OF_A_DAG

    def sample(self, tasks: int, seconds: float) -> None:
        """The serialization of a DAG took so long."""
        self._to_serialize.sample(tasks + _TASKS_OF_A_DAG, seconds)

    def count_form(self, size: int) -> None:
        """One more DAG is there in its serialized form, of so many bytes, which Airflow has to send."""
        self._to_send.total += size

    def sample_form(self, size: int, seconds: float) -> None:
        """A form was read in so long."""
        self._to_send.sample(size, seconds)

    def count_broken(self) -> None:
        """One more document is an import error, which Airflow logs with its stack."""
        self._broken += 1

    def sleep(self, seconds: float) -> None:
        """Wait, which says nothing of how busy the machine is."""
        time.sleep(seconds)
        self._slept += seconds

    def used(self) -> float:
        """The part of the nearer limit that is used if the parse ends now: 1 is all of it."""
        passed = time.monotonic() - self._started
        used = passed / self._import_limit
        if in_dag_processor():
            used = max(used, (passed + self._seconds_after_import() * self._slowdown(passed)) / self._processor_limit)
        return used

    def _slowdown(self, passed: float) -> float:
        """Seconds that pass while this process has a core for one."""
        worked = time.process_time() - self._cpu_at_start
        return max(1.0, (passed - self._slept) / worked) if worked else 1.0

    def _seconds_after_import(self) -> float:
        return (
            self._to_serialize.seconds() * _WITH_SENDING
            + self._to_send.seconds() * _SENT_TO_READ
            + self._broken * _SECONDS_OF_A_BROKEN_DOCUMENT
        )


class _Work:
    """So much to do, of which some was done and measured."""

    def __init__(self) -> None:
        self.total = 0
        self._fastest = math.inf

    def sample(self, amount: int, seconds: float) -> None:
        # A collection of garbage may have fallen into any other.
        self._fastest = min(self._fastest, seconds / amount)

    def seconds(self) -> float:
        return self._fastest * self.total if self._fastest < math.inf else 0.0


_WITH_SENDING = 1.35
"""Serialized DAGs are encoded and sent to the process that stores them, which takes a third of their serialization."""
_TASKS_OF_A_DAG = 3
"""A DAG without its tasks takes as long as so many tasks."""
_SENT_TO_READ = 32.0
"""A form is read, copied, encoded, sent and decoded after the import: so many times what it takes to read it."""
_SECONDS_OF_A_BROKEN_DOCUMENT = 0.005


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
