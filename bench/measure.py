"""What the benchmarks share: figures, ratios, the environment of a child."""

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
    """Of the medians; the runs of both sides are close in time."""
    return median(ours) / median(theirs)


def environment(home: Path, **more: str) -> dict[str, str]:
    """An Airflow home of its own, quiet."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW__")},
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "PYTHONPATH": str(ROOT),
        **more,
    }
