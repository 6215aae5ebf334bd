"""Functions that the benchmarks share: figures, ratios, the environment of a process."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Figure:
    """A ratio measured in one run."""

    name: str
    value: float
    aim: str
    detail: str


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The ratio of the medians; the runs of both sides are close in time."""
    return median(ours) / median(theirs)


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of an Airflow with a home of its own, without log output."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW__")},
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "PYTHONPATH": str(ROOT),
        "MLCRAFT_WARM": "0",
        **more,
    }


def isolated_environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of an Airflow with a home of its own, and with all folders of the product below it."""
    return environment(
        home,
        MLCRAFT_HOME=str(home / "embedded"),
        AIRFLOW__MLCRAFT__STORE=str(home / "store"),
        AIRFLOW__MLCRAFT__CACHE=str(home / "cache"),
        AIRFLOW__MLCRAFT__OUTPUTS=str(home / "out"),
        AIRFLOW__MLCRAFT__TRACKING_SPOOL=str(home / "spool"),
        **more,
    )
