"""A model of your own: `model` gives an estimator, which is trained beside those that mlcraft.toml names."""

from __future__ import annotations

from typing import Any

from sklearn.base import RegressorMixin
from sklearn.ensemble import ExtraTreesRegressor


def model(**params: Any) -> RegressorMixin:
    """Any regressor in scikit-learn's form, not yet fitted; `--set model.max_depth=4` comes as a parameter."""
    return ExtraTreesRegressor(**{"n_estimators": 100, **params})
