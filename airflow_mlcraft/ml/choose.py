"""The estimator that a name stands for: one of the user's file, or one of ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_mlcraft.errors import StepError, UnknownModelError
from airflow_mlcraft.ml import user_code
from airflow_mlcraft.ml.estimators import ESTIMATORS, configured, named
from airflow_mlcraft.nearest import suggestion


def choose(task: str, name: str, params: Mapping[str, Any], seed: int, code: Path | None = None) -> Any:
    """A new estimator with its params, seeded. The user's file goes before our table."""
    from airflow_mlcraft.ml.numbered_classes import with_numbered_classes

    return with_numbered_classes(_chosen(task, name, params, seed, code))


def _chosen(task: str, name: str, params: Mapping[str, Any], seed: int, code: Path | None) -> Any:
    if code is None:
        return configured(named(task, name).make(), params, name, seed)
    module = user_code.load(code)
    own = own_estimators(module, code)
    if name in own:
        from sklearn.base import clone

        return configured(_checked(clone(own[name]), task, name, code), params, name, seed)
    if name in ESTIMATORS[task]:
        return configured(named(task, name).make(), params, name, seed)
    make = user_code.function(module, "model")
    if make is None or (own and name != "model"):
        raise UnknownModelError(f"there is no model {name!r} for {task}; {suggestion(name, [*own, *ESTIMATORS[task]])}")
    with user_code.told(code):
        made = make(**params)
    return configured(_checked(made, task, name, code), {}, name, seed)


def is_own(name: str, code: Path) -> bool:
    """Whether the user's file has an estimator of that name, which then goes before that of our table."""
    return name in own_estimators(user_code.load(code), code)


def own_estimators(module: Any, code: Path) -> Mapping[str, Any]:
    """Those of the user's file by name; none where it has a function `model` instead."""
    make = user_code.function(module, "estimators")
    if make is None:
        if user_code.function(module, "model") is None:
            user_code.needed(module, "estimators", "def estimators() -> dict[str, estimator]")
        return {}
    with user_code.told(code):
        own = make()
    if not isinstance(own, Mapping):
        raise StepError(f"{code.name}: estimators() gives a {type(own).__name__}; expected names and estimators")
    return own


def _checked(made: Any, task: str, name: str, code: Path) -> Any:
    from sklearn.base import is_classifier, is_regressor

    # An estimator around others may show its `predict` only when it is fitted; its class has it.
    if not all(hasattr(type(made), method) for method in ("fit", "predict", "get_params")):
        raise StepError(
            f"{code.name}: {name} is a {type(made).__name__}; expected an estimator with fit, predict and get_params"
        )
    wanted, other = (is_classifier, is_regressor) if task == "classification" else (is_regressor, is_classifier)
    if not wanted(made) and other(made):
        raise StepError(f"{code.name}: {name} ({type(made).__name__}) is no estimator for {task}")
    return made
