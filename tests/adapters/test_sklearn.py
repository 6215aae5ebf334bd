"""What the adapter reads of fitted estimators, compared with what scikit-learn itself predicts."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from airflow_mlcraft.adapters.internals import SKLEARN
from airflow_mlcraft.adapters.sklearn import (
    HistogramBoosting,
    OneHotColumn,
    is_histogram_boosting,
    merges_rare_categories,
    read_one_hot_columns,
)
from tests.adapters.attributes import assert_attribute

NUMBERS = np.random.default_rng(0).normal(size=(60, 2))
CATEGORIES = np.random.default_rng(1).integers(0, 4, size=(60, 1)).astype(float)
FEATURES = np.hstack([NUMBERS, CATEGORIES])
CLASSES = np.where(NUMBERS[:, 0] + CATEGORIES[:, 0] > 1, 2, np.where(NUMBERS[:, 1] > 0, 1, 0))
NAMES = (
    "_predictors",
    "_bin_mapper",
    "_baseline_prediction",
    "_n_features",
    "_preprocessor",
    "_loss",
    "is_categorical_",
    "n_trees_per_iteration_",
)
NODE_FIELDS = {
    "is_leaf",
    "value",
    "left",
    "right",
    "feature_idx",
    "num_threshold",
    "is_categorical",
    "bitset_idx",
    "missing_go_to_left",
}


@cache
def regressor(**options: Any) -> Any:
    return HistGradientBoostingRegressor(max_iter=3, min_samples_leaf=5, **options).fit(FEATURES, FEATURES.sum(axis=1))


@cache
def classifier(**options: Any) -> Any:
    return HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=5, **options).fit(FEATURES, CLASSES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("build", [regressor, classifier])
def test_a_fitted_boosting_has_the_attribute(build: Any, name: str) -> None:
    assert_attribute(SKLEARN, build(), name)


@pytest.mark.parametrize("name", ["nodes", "raw_left_cat_bitsets"])
def test_a_tree_has_the_attribute(name: str) -> None:
    assert_attribute(SKLEARN, regressor()._predictors[0][0], name)


@pytest.mark.parametrize("name", ["_n_features_outs", "_infrequent_enabled"])
def test_a_fitted_one_hot_encoder_has_the_attribute(name: str) -> None:
    assert_attribute(SKLEARN, OneHotEncoder().fit([["a"]]), name)


@pytest.mark.parametrize("name", ["_default_to_infrequent_mappings", "_infrequent_indices"])
def test_an_encoder_that_merges_rare_categories_has_the_attribute(name: str) -> None:
    assert_attribute(SKLEARN, OneHotEncoder(min_frequency=2).fit([["a"], ["b"], ["b"]]), name)


def test_only_histogram_boosting_is_one() -> None:
    assert is_histogram_boosting(regressor())
    assert not is_histogram_boosting(HistGradientBoostingRegressor())


def test_the_nodes_of_trees_have_their_fields() -> None:
    trees = list(HistogramBoosting(classifier(categorical_features=(2,))).trees())
    assert len(trees) == 3 * 3
    missing = NODE_FIELDS.difference(trees[0].nodes.dtype.names or ())
    assert not missing, f"scikit-learn's nodes of a tree lack {missing}, which serving/model/fast_boosting.py reads"
    split = next(node for tree in trees for node in tree.nodes if node["is_categorical"])
    assert trees[0].left_categories.shape[1:] == (8,)
    assert split["feature_idx"] == 0


def test_the_sum_of_the_trees_is_what_a_regressor_predicts() -> None:
    fitted = regressor()
    boosting = HistogramBoosting(fitted)
    assert (boosting.scores, boosting.features, boosting.categories()) == (1, 3, None)
    total = np.zeros((len(FEATURES), 1), order="F") + boosting.baseline
    raw = boosting.build_tree_sum()(FEATURES, total)
    np.testing.assert_array_equal(boosting.inverse_link()(raw.ravel()), fitted.predict(FEATURES))


def test_the_sum_of_the_trees_gives_the_probabilities_of_a_classifier() -> None:
    fitted = classifier()
    boosting = HistogramBoosting(fitted)
    assert boosting.scores == 3
    total = np.zeros((len(FEATURES), 3), order="F") + boosting.baseline
    raw = boosting.build_tree_sum()(FEATURES, total)
    np.testing.assert_array_equal(boosting.probabilities()(raw), fitted.predict_proba(FEATURES))


def test_categorical_features_come_first_as_codes() -> None:
    fitted = regressor(categorical_features=(2,))
    boosting = HistogramBoosting(fitted)
    [categories] = boosting.categories() or []
    assert categories.tolist() == [0, 1, 2, 3]
    assert boosting.categorical_features().tolist() == [False, False, True]
    total = np.zeros((len(FEATURES), 1)) + boosting.baseline
    raw = boosting.build_tree_sum()(np.hstack([CATEGORIES, NUMBERS]), total)
    np.testing.assert_array_equal(raw.ravel(), fitted.predict(FEATURES))


def test_columns_of_a_one_hot_encoder() -> None:
    values = [["a", "x"], ["b", "x"], ["c", "x"], ["c", "y"], ["a", "y"]]
    assert read_one_hot_columns(OneHotEncoder().fit(values)) == [
        OneHotColumn(3, None, None),
        OneHotColumn(2, None, None),
    ]
    merging = OneHotEncoder(min_frequency=2).fit([*values, ["d", "y"]])
    first, second = read_one_hot_columns(merging)
    assert (first.width, first.mapping.tolist(), first.rare.tolist()) == (3, [0, 2, 1, 2], [1, 3])
    assert (second.width, second.mapping, second.rare) == (2, None, None)


def test_encoders_that_merge_rare_categories() -> None:
    assert merges_rare_categories(OneHotEncoder(max_categories=2).fit([["a"], ["b"], ["c"]]))
    assert not merges_rare_categories(OneHotEncoder().fit([["a"]]))
    assert not merges_rare_categories(OrdinalEncoder().fit([["a"]]))
