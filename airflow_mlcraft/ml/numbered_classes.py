"""A classifier whose classes are numbered while it learns, as XGBoost asks for."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils.metaestimators import available_if


def _has(method: str) -> Any:
    return lambda self: hasattr(inner(self), method)


class NumberedClasses(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """Fits a copy of `estimator` on 0, 1, 2, … in place of the classes, and answers with the classes themselves."""

    def __init__(self, estimator: Any):
        self.estimator = estimator

    def fit(self, features: Any, classes: Any) -> NumberedClasses:
        """The classes are those of the training rows, sorted."""
        self.classes_, numbers = np.unique(classes, return_inverse=True)
        self.estimator_ = clone(self.estimator).fit(features, numbers)
        return self

    def predict(self, features: Any) -> Any:
        """One class a row."""
        return self.classes_.take(np.asarray(self.estimator_.predict(features)).astype(np.intp).reshape(-1), axis=0)

    @available_if(_has("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, features: Any) -> Any:
        """One probability a class, in the order of `classes_`."""
        return self.estimator_.predict_proba(features)

    @available_if(_has("decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, features: Any) -> Any:
        """As the estimator has it."""
        return self.estimator_.decision_function(features)


def with_numbered_classes(estimator: Any) -> Any:
    """The estimator, wrapped if it is or contains a classifier of XGBoost."""
    parts = [estimator, *estimator.get_params(deep=True).values()]
    needs = any(type(part).__module__.startswith("xgboost.") and hasattr(part, "predict_proba") for part in parts)
    return NumberedClasses(estimator) if needs else estimator


def inner(estimator: Any) -> Any:
    """The estimator that was asked for, fitted if it is: without the classes' numbers, without a threshold."""
    from sklearn.model_selection import FixedThresholdClassifier

    while isinstance(estimator, NumberedClasses | FixedThresholdClassifier):
        estimator = getattr(estimator, "estimator_", estimator.estimator)
    return estimator
