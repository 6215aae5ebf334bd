"""Fitted estimators of scikit-learn as functions on plain arrays, without the checks that one row pays for.

A guess may be wrong for an option not thought of here: `predictor` compares, and uses none that differs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from airflow_mlcraft.serving.model.fast_boosting import scores_by_bits, scores_by_trees
from airflow_mlcraft.serving.model.fast_transformers import Array, NotPlain, Step, without_names


@dataclass(frozen=True)
class PlainEstimator:
    """`proba` is there for classifiers that know probabilities."""

    predict: Step
    proba: Step | None = None


def candidates(fitted: Any) -> list[Callable[[], PlainEstimator]]:
    """Ways to compute what `fitted` says, the quickest first."""
    found: list[Callable[[], PlainEstimator]] = []
    if type(fitted).__module__.startswith("sklearn."):
        if hasattr(fitted, "estimators_") and hasattr(fitted, "n_outputs_") and fitted.n_outputs_ == 1:
            found.append(lambda: _forest(fitted))
        if hasattr(fitted, "tree_"):
            found.append(lambda: _tree(fitted))
        if hasattr(fitted, "coef_") and hasattr(fitted, "intercept_"):
            found.append(lambda: _linear(fitted))
        if hasattr(fitted, "_predictors") and hasattr(fitted, "_bin_mapper"):
            found += [partial(_hist_boosting, fitted, scores) for scores in (scores_by_bits, scores_by_trees)]
        if hasattr(fitted, "threshold") and hasattr(fitted, "estimator_"):
            found += [_at_threshold(fitted, inside) for inside in candidates(fitted.estimator_)]
    return [*found, lambda: _as_it_is(fitted)]


def _at_threshold(fitted: Any, inside: Callable[[], PlainEstimator]) -> Callable[[], PlainEstimator]:
    """A classifier of two classes that names the positive one from a probability on."""

    def made() -> PlainEstimator:
        proba = inside().proba
        if proba is None:
            raise NotPlain("a threshold is of probabilities")
        classes, least = fitted.classes_, fitted.threshold
        place = int(np.flatnonzero(classes == fitted.pos_label)[0])
        labels = classes[[1 - place, place]]
        return PlainEstimator(lambda array: labels.take(proba(array)[:, place] >= least, axis=0), proba)

    return made


def _as_it_is(fitted: Any) -> PlainEstimator:
    bare = without_names(fitted)
    return PlainEstimator(bare.predict, bare.predict_proba if hasattr(bare, "predict_proba") else None)


def _classes_of(classes: Array, proba: Step) -> PlainEstimator:
    return PlainEstimator(lambda array: classes.take(proba(array).argmax(axis=1), axis=0), proba)


def _linear(fitted: Any) -> PlainEstimator:
    weights, bias = np.asarray(fitted.coef_), fitted.intercept_
    if not hasattr(fitted, "classes_"):
        turned = weights.T
        return PlainEstimator(lambda array: array @ turned + bias)
    turned, classes = weights.T, fitted.classes_

    def scores(array: Array) -> Array:
        found = array @ turned + bias
        return found.reshape(-1) if found.ndim > 1 and found.shape[1] == 1 else found

    def predict(array: Array) -> Array:
        found = scores(array)
        best = (found > 0).astype(np.intp) if found.ndim == 1 else found.argmax(axis=1)
        return classes.take(best, axis=0)

    if not hasattr(fitted, "predict_proba"):
        return PlainEstimator(predict)
    bare = without_names(fitted)
    return PlainEstimator(predict, bare.predict_proba)


def _tree(fitted: Any) -> PlainEstimator:
    tree = fitted.tree_

    if not hasattr(fitted, "classes_"):
        return PlainEstimator(lambda array: tree.predict(_single(array))[:, 0])
    width = fitted.n_classes_
    return _classes_of(fitted.classes_, lambda array: tree.predict(_single(array))[:, :width])


def _forest(fitted: Any) -> PlainEstimator:
    trees = [member.tree_ for member in fitted.estimators_]
    width = fitted.n_classes_ if hasattr(fitted, "classes_") else 1

    def mean(array: Array) -> Array:
        single = _single(array)
        total = np.zeros((len(array), width))
        for tree in trees:
            total += tree.predict(single)
        total /= len(trees)
        return total

    if not hasattr(fitted, "classes_"):
        return PlainEstimator(lambda array: mean(array)[:, 0])
    return _classes_of(fitted.classes_, mean)


def _hist_boosting(fitted: Any, raw_scores: Callable[[Any], Step]) -> PlainEstimator:
    raw, loss, width = raw_scores(fitted), fitted._loss, fitted.n_trees_per_iteration_
    if not hasattr(fitted, "classes_"):
        return PlainEstimator(lambda array: loss.link.inverse(raw(array).ravel()))
    classes = fitted.classes_

    def predict(array: Array) -> Array:
        found = raw(array)
        best = (found.ravel() > 0).astype(np.intp) if width == 1 else found.argmax(axis=1)
        return classes.take(best, axis=0)

    return PlainEstimator(predict, lambda array: loss.predict_proba(raw(array)))


def _single(array: Array) -> Array:
    """In 32 bits, in which trees calculate; scikit-learn refuses what is infinite there."""
    with np.errstate(over="ignore"):
        found = np.ascontiguousarray(array, dtype=np.float32)
    if np.isinf(found).any():
        raise ValueError("a number is too large for the trees of the model, which calculate in 32 bits")
    return found
