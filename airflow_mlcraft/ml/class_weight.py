"""Weights of classes, for the estimators that know such a thing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.nearest import suggestion

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
