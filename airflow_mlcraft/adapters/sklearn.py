"""Internals of scikit-learn: what fitted estimators hold beyond their documented attributes. It is not imported here.

All is read once, when a model is loaded. Functions that run for each request call scikit-learn's own compiled code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any


def is_histogram_boosting(fitted: Any) -> bool:
    """Whether a fitted estimator is one of histogram gradient boosting."""
    return hasattr(fitted, "_predictors") and hasattr(fitted, "_bin_mapper")


@dataclass(frozen=True)
class BoostingTree:
    """A tree of histogram gradient boosting."""

    nodes: Array
    """A record for each node: is_leaf, value, left, right, feature_idx, num_threshold and so on."""
    left_categories: Array
    """For each split on categories, the bits of the codes that go to the left."""


class HistogramBoosting:
    """The fitted parts of a classifier or regressor of histogram gradient boosting."""

    def __init__(self, fitted: Any):
        self._fitted = fitted
        self.baseline: Array = fitted._baseline_prediction
        """The raw score before the first tree."""
        self.scores: int = fitted.n_trees_per_iteration_
        """Raw scores of a row: the number of classes, or 1."""
        self.features: int = fitted._n_features

    def trees(self) -> Iterator[BoostingTree]:
        """The trees, iteration by iteration; in each iteration one for each raw score."""
        for iteration in self._fitted._predictors:
            for tree in iteration:
                yield BoostingTree(tree.nodes, tree.raw_left_cat_bitsets)

    def build_tree_sum(self) -> Callable[[Array, Array], Array]:
        """A function that adds the value of each tree to an array of raw scores, in one thread, and returns the array.

        It takes the features with the categorical ones first, as codes.
        """
        trees = [(place, tree) for iteration in self._fitted._predictors for place, tree in enumerate(iteration)]
        known, places = self._fitted._bin_mapper.make_known_categories_bitsets()

        def add(features: Array, total: Array) -> Array:
            for place, tree in trees:
                total[:, place] += tree.predict(features, known, places, 1)
            return total

        return add

    def categories(self) -> list[Array] | None:
        """The categories of each categorical feature, missing ones left out; None where all features are numbers."""
        if self._fitted._preprocessor is None:
            return None
        listed = self._fitted._preprocessor.named_transformers_["encoder"].categories_
        found = [np.asarray(values, dtype=np.float64) for values in listed]
        return [values[~np.isnan(values)] for values in found]

    def categorical_features(self) -> Array:
        """For each feature, whether it is categorical."""
        return self._fitted.is_categorical_

    def inverse_link(self) -> Callable[[Array], Array]:
        """The function from the raw scores of a regressor to its predictions."""
        inverse: Callable[[Array], Array] = self._fitted._loss.link.inverse
        return inverse

    def probabilities(self) -> Callable[[Array], Array]:
        """The function from the raw scores of a classifier to its probabilities."""
        predict: Callable[[Array], Array] = self._fitted._loss.predict_proba
        return predict


@dataclass(frozen=True)
class OneHotColumn:
    """How a OneHotEncoder writes one column, with rare categories in one output column."""

    width: int
    """Output columns of the column."""
    mapping: Array | None
    """The output column of each category, where rare ones are merged; else it is the category's own number."""
    rare: Array | None
    """The numbers of the rare categories, where there are any."""


def merges_rare_categories(encoder: Any) -> bool:
    """Whether a fitted encoder merges rare categories."""
    return bool(getattr(encoder, "_infrequent_enabled", False))


def read_one_hot_columns(encoder: Any) -> list[OneHotColumn]:
    """The columns of a fitted OneHotEncoder without `drop`."""
    widths = encoder._n_features_outs
    if not encoder._infrequent_enabled:
        return [OneHotColumn(int(width), None, None) for width in widths]
    columns = zip(widths, encoder._default_to_infrequent_mappings, encoder._infrequent_indices, strict=True)
    return [OneHotColumn(int(width), mapping, rare) for width, mapping, rare in columns]
