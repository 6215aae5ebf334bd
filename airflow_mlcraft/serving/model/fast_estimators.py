"""Fast forms of fitted scikit-learn estimators: functions on numpy arrays, without the input checks of each call.

A fast form may be wrong for an option that is not handled here; `predictor` compares it with scikit-learn before use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from airflow_mlcraft.adapters.sklearn import HistogramBoosting, is_histogram_boosting
from airflow_mlcraft.serving.model.fast_boosting import build_quickscorer, build_tree_scorer
from airflow_mlcraft.serving.model.fast_transformers import (
    Array,
    ArrayFunction,
    NoFastFormError,
    copy_without_feature_names,
)


@dataclass(frozen=True)
class FastEstimator:
    """The functions of an estimator; `proba` is None unless it is a classifier with probabilities."""

    predict: ArrayFunction
    proba: ArrayFunction | None = None


def list_fast_estimators(fitted: Any) -> list[Callable[[], FastEstimator]]:
    """Builders of the fast forms of an estimator, the fastest first, and of its own methods last."""
    result: list[Callable[[], FastEstimator]] = []
    if type(fitted).__module__.startswith("sklearn."):
        if hasattr(fitted, "estimators_") and hasattr(fitted, "n_outputs_") and fitted.n_outputs_ == 1:
            result.append(lambda: _build_forest(fitted))
        if hasattr(fitted, "tree_"):
            result.append(lambda: _build_tree(fitted))
        if hasattr(fitted, "coef_") and hasattr(fitted, "intercept_"):
            result.append(lambda: _build_linear(fitted))
        if is_histogram_boosting(fitted):
            result += [
                partial(_build_hist_boosting, fitted, scores) for scores in (build_quickscorer, build_tree_scorer)
            ]
        if hasattr(fitted, "threshold") and hasattr(fitted, "estimator_"):
            result += [
                _build_threshold_classifier(fitted, build_inner)
                for build_inner in list_fast_estimators(fitted.estimator_)
            ]
    return [*result, lambda: _wrap_estimator(fitted)]


def _build_threshold_classifier(fitted: Any, build_inner: Callable[[], FastEstimator]) -> Callable[[], FastEstimator]:
    """A binary classifier that predicts the positive class from a threshold of its probability on."""

    def build() -> FastEstimator:
        proba = build_inner().proba
        if proba is None:
            raise NoFastFormError("a threshold is of probabilities")
        classes, threshold = fitted.classes_, fitted.threshold
        place = int(np.flatnonzero(classes == fitted.pos_label)[0])
        labels = classes[[1 - place, place]]
        return FastEstimator(lambda array: labels.take(proba(array)[:, place] >= threshold, axis=0), proba)

    return build


def _wrap_estimator(fitted: Any) -> FastEstimator:
    copied = copy_without_feature_names(fitted)
    return FastEstimator(copied.predict, copied.predict_proba if hasattr(copied, "predict_proba") else None)


def _build_classifier(classes: Array, proba: ArrayFunction) -> FastEstimator:
    return FastEstimator(lambda array: classes.take(proba(array).argmax(axis=1), axis=0), proba)


def _build_linear(fitted: Any) -> FastEstimator:
    weights, bias = np.asarray(fitted.coef_), fitted.intercept_
    if not hasattr(fitted, "classes_"):
        transposed = weights.T
        return FastEstimator(lambda array: array @ transposed + bias)
    transposed, classes = weights.T, fitted.classes_

    def scores(array: Array) -> Array:
        result = array @ transposed + bias
        return result.reshape(-1) if result.ndim > 1 and result.shape[1] == 1 else result

    def predict(array: Array) -> Array:
        result = scores(array)
        best = (result > 0).astype(np.intp) if result.ndim == 1 else result.argmax(axis=1)
        return classes.take(best, axis=0)

    if not hasattr(fitted, "predict_proba"):
        return FastEstimator(predict)
    copied = copy_without_feature_names(fitted)
    return FastEstimator(predict, copied.predict_proba)


def _build_tree(fitted: Any) -> FastEstimator:
    tree = fitted.tree_

    if not hasattr(fitted, "classes_"):
        return FastEstimator(lambda array: tree.predict(_to_float32(array))[:, 0])
    width = fitted.n_classes_
    return _build_classifier(fitted.classes_, lambda array: tree.predict(_to_float32(array))[:, :width])


def _build_forest(fitted: Any) -> FastEstimator:
    trees = [member.tree_ for member in fitted.estimators_]
    width = fitted.n_classes_ if hasattr(fitted, "classes_") else 1

    def mean(array: Array) -> Array:
        single = _to_float32(array)
        total = np.zeros((len(array), width))
        for tree in trees:
            total += tree.predict(single)
        total /= len(trees)
        return total

    if not hasattr(fitted, "classes_"):
        return FastEstimator(lambda array: mean(array)[:, 0])
    return _build_classifier(fitted.classes_, mean)


def _build_hist_boosting(fitted: Any, raw_scores: Callable[[HistogramBoosting], ArrayFunction]) -> FastEstimator:
    boosting = HistogramBoosting(fitted)
    raw, width = raw_scores(boosting), boosting.scores
    if not hasattr(fitted, "classes_"):
        inverse = boosting.inverse_link()
        return FastEstimator(lambda array: inverse(raw(array).ravel()))
    classes, probabilities = fitted.classes_, boosting.probabilities()

    def predict(array: Array) -> Array:
        result = raw(array)
        best = (result.ravel() > 0).astype(np.intp) if width == 1 else result.argmax(axis=1)
        return classes.take(best, axis=0)

    return FastEstimator(predict, lambda array: probabilities(raw(array)))


def _to_float32(array: Array) -> Array:
    """The array in 32 bits, as trees need it; as in scikit-learn, a number that is infinite there is a ValueError."""
    with np.errstate(over="ignore"):
        result = np.ascontiguousarray(array, dtype=np.float32)
    if np.isinf(result).any():
        raise ValueError("a number is too large for the trees of the model, which calculate in 32 bits")
    return result
