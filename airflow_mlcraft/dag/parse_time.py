"""How long the parse of a DAG file may take: Airflow ends one that takes too long, and then has none of its DAGs."""

from __future__ import annotations

import math
import sys

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


def seconds_to_build() -> float:
    """For building DAGs. The DAG processor has to serialize them as well, which takes as long again."""
    return min(_import_limit() * 2 / 3, _processor_limit() / 3 if in_dag_processor() else math.inf)


def _import_limit() -> float:
    return _limit("core", "dagbag_import_timeout", 30)


def _processor_limit() -> float:
    return _limit("dag_processor", "dag_file_processor_timeout", 50)


def _limit(section: str, option: str, default: float) -> float:
    from airflow.configuration import conf

    limit = conf.getfloat(section, option, fallback=default)
    return limit if limit > 0 else math.inf
