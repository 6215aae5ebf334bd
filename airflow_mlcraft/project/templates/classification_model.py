"""A model of your own: `model` gives an estimator, which is trained beside those that mlcraft.toml names."""

from __future__ import annotations

from typing import Any

from sklearn.base import ClassifierMixin
from sklearn.ensemble import ExtraTreesClassifier


def model(**params: Any) -> ClassifierMixin:
    """Any classifier in scikit-learn's form, not yet fitted; `--set model.max_depth=4` comes as a parameter."""
    return ExtraTreesClassifier(**{"n_estimators": 100, **params})
