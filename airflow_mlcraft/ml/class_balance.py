"""Rare classes: whether there are any, and what follows from that for the metric and the split."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from airflow_mlcraft.common.did_you_mean import suggestion
from airflow_mlcraft.errors import StepError
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


BALANCED = "balanced"
_PARAM, _CATBOOST, _CATBOOST_BALANCED = "class_weight", "class_weights", "auto_class_weights"


def parse_class_weight(text: str, classes: Sequence[Any]) -> str | dict[Any, float]:
    """`balanced`, or a weight for each class by its label."""
    if text.strip() == BALANCED:
        return BALANCED
    try:
        given = json.loads(text)
    except json.JSONDecodeError:
        given = None
    if not isinstance(given, Mapping) or not given:
        raise StepError(f'--class-weight is {text!r}; expected balanced, or JSON with labels such as {{"yes": 10}}')
    by_name = {str(label): label for label in classes}
    if unknown := [name for name in given if name not in by_name]:
        raise StepError(f"--class-weight: there is no class {unknown[0]!r}; {suggestion(unknown[0], by_name)}")
    if odd := [name for name, one in given.items() if isinstance(one, bool) or not isinstance(one, int | float)]:
        raise StepError(f"--class-weight: the weight of {odd[0]!r} is {given[odd[0]]!r}; expected a number above 0")
    if low := [name for name, one in given.items() if not 0 < one < float("inf")]:
        raise StepError(f"--class-weight: the weight of {low[0]!r} is {given[low[0]]:g}; expected a number above 0")
    return {by_name[name]: float(one) for name, one in given.items()}


def set_class_weight(estimator: Any, weight: str | Mapping[Any, float]) -> bool:
    """Whether the estimator, or one inside it, knows weights of classes and has got these."""
    from airflow_mlcraft.ml.estimators import known_params

    known = known_params(estimator)
    names = [name for name in known if name.rpartition("__")[2] == _PARAM]
    if not names and _CATBOOST_BALANCED in known:
        names = [_CATBOOST_BALANCED if weight == BALANCED else _CATBOOST]
        weight = "Balanced" if weight == BALANCED else weight
    estimator.set_params(**dict.fromkeys(names, weight if isinstance(weight, str) else dict(weight)))
    return bool(names)
