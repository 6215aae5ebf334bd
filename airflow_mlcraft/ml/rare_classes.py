"""Rare classes: whether there are any, and what follows from that for the metric and the split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from airflow_mlcraft.ml.metrics import CLASSIFICATION, DEFAULT

RARE = 0.1
"""A class with a smaller share of the rows is rare."""
_TWO = 2


@dataclass(frozen=True)
class Rarest:
    """The class with the fewest rows."""

    label: Any
    rows: int
    total: int

    @property
    def share(self) -> float:
        """Its share of the rows."""
        return self.rows / self.total

    @property
    def is_rare(self) -> bool:
        """Whether it is below the limit."""
        return self.share < RARE

    def __str__(self) -> str:
        return f"the class {str(self.label)!r} has {self.rows} of {self.total} rows ({self.share:.2%})"


def class_counts(labels: Any) -> dict[Any, int]:
    """Rows of each class."""
    import pandas as pd

    counts = pd.Series(np.asarray(labels)).value_counts(sort=False)
    found = dict(zip(counts.index.tolist(), counts.tolist(), strict=True))
    return {label: found[label] for label in sorted(found)}


def rarest(counts: Mapping[Any, int]) -> Rarest:
    """The class with the fewest rows; of equal ones the first."""
    label = min(counts, key=lambda one: counts[one])
    return Rarest(label, counts[label], sum(counts.values()))


def default_metric(task: str, counts: Mapping[Any, int], positive: Any = None) -> tuple[str, str]:
    """The metric that counts when none is named, and why it is not the usual one; an empty reason when it is."""
    usual = DEFAULT[task]
    if task != CLASSIFICATION or len(counts) < _TWO or not (found := rarest(counts)).is_rare:
        return usual, ""
    name = "pr_auc" if len(counts) == _TWO and found.label == positive else "balanced_acc"
    reason = (
        f"{name} decides, because {found}: always naming the most frequent class has an {usual} of "
        f"{max(counts.values()) / found.total:.4g}; name a metric to choose another"
    )
    return name, reason
