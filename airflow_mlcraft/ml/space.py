"""What a search may try: a list of choices, or a range from low to high."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.nearest import suggestion

_FORM = (
    'a list of choices, or a range such as {"low": 0.1, "high": 10, "log": true} '
    'or {"low": 1, "high": 9, "type": "int"}'
)
_KNOWN = ("low", "high", "log", "type")


def distributions(space: Mapping[str, Any], known: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The space in Optuna's words. `known` are the parameters that the model has."""
    if not space:
        raise StepError(f"no search space is known for {name}; give one with --space")
    if unknown := [param for param in space if param not in known]:
        raise StepError(f"--space: {name} has no parameter {unknown[0]!r}; {suggestion(unknown[0], known)}")
    return {param: _distribution(param, space[param]) for param in sorted(space)}


def decoded(params: Mapping[str, Any], space: Mapping[str, Any]) -> dict[str, Any]:
    """Params that Optuna has chosen, as the model takes them."""
    return {
        param: json.loads(value) if isinstance(space[param], list) else value for param, value in sorted(params.items())
    }


def _distribution(param: str, given: Any) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(given, list) and given:
        return CategoricalDistribution([json.dumps(choice, sort_keys=True) for choice in given])
    low, high, log, whole = _range(param, given)
    if whole:
        return IntDistribution(int(low), int(high), log=log)
    return FloatDistribution(float(low), float(high), log=log)


def _range(param: str, given: Any) -> tuple[float, float, bool, bool]:
    if not isinstance(given, dict) or not {"low", "high"} <= set(given) <= set(_KNOWN):
        raise StepError(f"--space: {param} is {json.dumps(given)}; expected {_FORM}")
    low, high = given["low"], given["high"]
    if not all(isinstance(end, int | float) and not isinstance(end, bool) for end in (low, high)) or low > high:
        raise StepError(f"--space: {param} goes from {low!r} to {high!r}; expected two numbers, the smaller one first")
    log, whole = bool(given.get("log", False)), given.get("type", "float") == "int"
    if log and low <= 0:
        raise StepError(f"--space: {param} goes from {low!r} in a logarithmic range; expected more than 0")
    if whole and not (float(low).is_integer() and float(high).is_integer()):
        raise StepError(f"--space: {param} goes from {low!r} to {high!r}; expected whole numbers for an int")
    return low, high, log, whole
