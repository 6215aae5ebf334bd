"""Class imbalance: the rarest class, the default metric that follows from it, and class weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from airflow_mlcraft.common.did_you_mean import build_suggestion
from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.metrics import CLASSIFICATION, DEFAULT

RARE_SHARE = 0.1
"""A class with a smaller share of the rows is rare."""
_TWO = 2


@dataclass(frozen=True)
class RarestClass:
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
        """Whether its share is below `RARE_SHARE`."""
        return self.share < RARE_SHARE

    def __str__(self) -> str:
        return f"the class {str(self.label)!r} has {self.rows} of {self.total} rows ({self.share:.2%})"


def count_classes(labels: Any) -> dict[Any, int]:
    """The number of rows of each class."""
    import pandas as pd

    counts = pd.Series(np.asarray(labels)).value_counts(sort=False)
    found = dict(zip(counts.index.tolist(), counts.tolist(), strict=True))
    return {label: found[label] for label in sorted(found)}


def find_rarest(counts: Mapping[Any, int]) -> RarestClass:
    """The class with the fewest rows; of equal ones the first."""
    label = min(counts, key=lambda one: counts[one])
    return RarestClass(label, counts[label], sum(counts.values()))


def default_metric(task: str, counts: Mapping[Any, int], positive: Any = None) -> tuple[str, str]:
    """The default metric, and the reason if it is not the usual one, or else an empty text."""
    usual = DEFAULT[task]
    if task != CLASSIFICATION or len(counts) < _TWO or not (found := find_rarest(counts)).is_rare:
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
    """Parse the option: `balanced`, or a weight for each class by its label."""
    if text.strip() == BALANCED:
        return BALANCED
    try:
        weights = json.loads(text)
    except json.JSONDecodeError:
        weights = None
    if not isinstance(weights, Mapping) or not weights:
        raise StepError(f'--class-weight is {text!r}; expected balanced, or JSON with labels such as {{"yes": 10}}')
    by_name = {str(label): label for label in classes}
    if unknown := [name for name in weights if name not in by_name]:
        raise StepError(f"--class-weight: there is no class {unknown[0]!r}; {build_suggestion(unknown[0], by_name)}")
    if odd := [name for name, one in weights.items() if isinstance(one, bool) or not isinstance(one, int | float)]:
        raise StepError(f"--class-weight: the weight of {odd[0]!r} is {weights[odd[0]]!r}; expected a number above 0")
    if low := [name for name, one in weights.items() if not 0 < one < float("inf")]:
        raise StepError(f"--class-weight: the weight of {low[0]!r} is {weights[low[0]]:g}; expected a number above 0")
    return {by_name[name]: float(one) for name, one in weights.items()}


def set_class_weight(estimator: Any, weight: str | Mapping[Any, float]) -> bool:
    """Set the class weights of an estimator, or of one inside it. Returns whether it supports class weights."""
    from airflow_mlcraft.ml.estimators import known_params

    known = known_params(estimator)
    names = [name for name in known if name.rpartition("__")[2] == _PARAM]
    if not names and _CATBOOST_BALANCED in known:
        names = [_CATBOOST_BALANCED if weight == BALANCED else _CATBOOST]
        weight = "Balanced" if weight == BALANCED else weight
    estimator.set_params(**dict.fromkeys(names, weight if isinstance(weight, str) else dict(weight)))
    return bool(names)
