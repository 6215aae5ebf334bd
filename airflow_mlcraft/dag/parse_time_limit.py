"""Airflow's time limits for the parse of a DAG file, and how much of them a parse has used.

Airflow ends a parse that takes too long, and then has none of the file's DAGs. There are two limits: on the import of
the file, and, in the DAG processor, on import and serialization together.
"""

from __future__ import annotations

import math
import time

from airflow_mlcraft import settings
from airflow_mlcraft.adapters.airflow_sdk import has_supervisor


def in_dag_processor() -> bool:
    """Whether this process parses for Airflow's DAG processor: only there a parse is connected to a supervisor."""
    return has_supervisor()


def compile_wait_seconds() -> float:
    """How long a parse waits for documents that are being compiled; longer in a command, which parses only once."""
    if not in_dag_processor():
        return _import_limit() * 2 / 3
    return min(settings.get_seconds("parse_seconds"), _import_limit() / 3, _processor_limit() / 3)


class ParseClock:
    """The fraction of Airflow's limits that a parse has used, with the time that its DAGs will take after the import.

    That time is estimated from samples in seconds of CPU time, and from how long this process waits for a core.
    """

    def __init__(self) -> None:
        # The DAG processor counts from the start of the parsing process, a little before the import.
        age = _age_of_process() if in_dag_processor() else 0.0
        self._started = time.monotonic() - age
        self._cpu_at_start = time.process_time() if not age else 0.0
        self._import_limit, self._processor_limit = _import_limit(), _processor_limit()
        self._slept = 0.0
        self._to_serialize = _WorkEstimate()
        self._to_send = _WorkEstimate()
        self._broken = 0

    def add_dag(self, tasks: int) -> None:
        """Count a DAG with so many tasks, which Airflow has to serialize and send."""
        self._to_serialize.total += tasks + _TASKS_OF_A_DAG

    def measure_dag(self, tasks: int, seconds: float) -> None:
        """Add a sample: how long the serialization of a DAG with so many tasks took."""
        self._to_serialize.add_sample(tasks + _TASKS_OF_A_DAG, seconds)

    def add_form(self, size: int) -> None:
        """Count a DAG in its serialized form of so many bytes, which Airflow has to send."""
        self._to_send.total += size

    def measure_form(self, size: int, seconds: float) -> None:
        """Add a sample: how long it took to read a form of so many bytes."""
        self._to_send.add_sample(size, seconds)

    def add_broken_document(self) -> None:
        """Count an import error, which Airflow logs with its stack."""
        self._broken += 1

    def sleep(self, seconds: float) -> None:
        """Wait, without counting the time as a sign of a busy machine."""
        time.sleep(seconds)
        self._slept += seconds

    def used_fraction(self) -> float:
        """The fraction of the nearer limit that is used if the parse ends now."""
        passed = time.monotonic() - self._started
        used = passed / self._import_limit
        if in_dag_processor():
            used = max(used, (passed + self._seconds_after_import() * self._slowdown(passed)) / self._processor_limit)
        return used

    def _slowdown(self, passed: float) -> float:
        """Seconds of time for each second of CPU time of this process."""
        worked = time.process_time() - self._cpu_at_start
        return max(1.0, (passed - self._slept) / worked) if worked else 1.0

    def _seconds_after_import(self) -> float:
        return (
            self._to_serialize.seconds() * _WITH_SENDING
            + self._to_send.seconds() * _SENT_TO_READ
            + self._broken * _SECONDS_OF_A_BROKEN_DOCUMENT
        )


class _WorkEstimate:
    """An amount of work, with an estimate of its time from samples."""

    def __init__(self) -> None:
        self.total = 0
        self._fastest = math.inf

    def add_sample(self, amount: int, seconds: float) -> None:
        # The fastest sample counts: garbage collection may have slowed down any other.
        self._fastest = min(self._fastest, seconds / amount)

    def seconds(self) -> float:
        return self._fastest * self.total if self._fastest < math.inf else 0.0


_WITH_SENDING = 1.35
"""The factor for encoding serialized DAGs and sending them to the process that stores them."""
_TASKS_OF_A_DAG = 3
"""The number of tasks that take as long as a DAG without its tasks."""
_SENT_TO_READ = 32.0
"""The factor for what is done with a form after the import: it is read, copied, encoded, sent and decoded."""
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
