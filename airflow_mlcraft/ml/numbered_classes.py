"""Classifier that is fitted on numbered classes, as XGBoost requires."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils.metaestimators import available_if


def _estimator_has(method: str) -> Any:
    return lambda self: hasattr(unwrap_estimator(self), method)


class NumberedClasses(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """Fits a copy of `estimator` on 0, 1, 2, … in place of the classes, and predicts the classes themselves."""

    def __init__(self, estimator: Any):
        self.estimator = estimator

    def fit(self, features: Any, classes: Any) -> NumberedClasses:
        """Fit the estimator; `classes_` are the sorted classes of the training rows."""
        self.classes_, numbers = np.unique(classes, return_inverse=True)
        self.estimator_ = clone(self.estimator).fit(features, numbers)
        return self

    def predict(self, features: Any) -> Any:
        """The predicted class of each row."""
        return self.classes_.take(np.asarray(self.estimator_.predict(features)).astype(np.intp).reshape(-1), axis=0)

    @available_if(_estimator_has("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, features: Any) -> Any:
        """The probability of each class, in the order of `classes_`."""
        return self.estimator_.predict_proba(features)

    @available_if(_estimator_has("decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, features: Any) -> Any:
        """The decision function of the estimator."""
        return self.estimator_.decision_function(features)


def wrap_numbered_classes(estimator: Any) -> Any:
    """The estimator, wrapped in `NumberedClasses` if it is or contains a classifier of XGBoost."""
    parts = [estimator, *estimator.get_params(deep=True).values()]
    needs = any(type(part).__module__.startswith("xgboost.") and hasattr(part, "predict_proba") for part in parts)
    return NumberedClasses(estimator) if needs else estimator


def unwrap_estimator(estimator: Any) -> Any:
    """The estimator inside `NumberedClasses` and threshold classifiers; the fitted one if there is one."""
    from sklearn.model_selection import FixedThresholdClassifier

    while isinstance(estimator, NumberedClasses | FixedThresholdClassifier):
        estimator = getattr(estimator, "estimator_", estimator.estimator)
    return estimator
