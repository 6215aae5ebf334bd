"""Raw scores of scikit-learn's histogram gradient boosting, tree by tree or with QuickScorer, without input checks.

QuickScorer (Lucchese et al., 2015) evaluates all trees at once: a table for each feature holds, as bits, the leaves of
every tree that a value leaves open; the leaf of a row is the first one that no feature excludes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from airflow_mlcraft.adapters.sklearn import BoostingTree, HistogramBoosting
from airflow_mlcraft.serving.model.fast_transformers import Array, ArrayFunction, NoFastFormError

_MAX_LEAVES = 64
_MAX_LEAVES_32_BITS = 32
_MAX_TABLE_BYTES = 16 << 20
_ROWS_PER_BLOCK = 512
"""Rows evaluated at a time, so that the arrays fit the CPU's caches."""
_CHECKED_ROWS = 500


def build_tree_scorer(boosting: HistogramBoosting) -> ArrayFunction:
    """A function that adds up the trees one by one, with scikit-learn's compiled code, in this thread."""
    features, trees = _build_feature_encoder(boosting), boosting.build_tree_sum()
    start, width = boosting.baseline, boosting.scores

    def run(array: Array) -> Array:
        return trees(features(array), _fill_baseline(start, len(array), width))

    return run


def build_quickscorer(boosting: HistogramBoosting) -> ArrayFunction:
    """A QuickScorer with results equal, to the last bit, to those of tree by tree.

    Raises NoFastFormError where the trees are too many or too large.
    """
    features, trees, start = _build_feature_encoder(boosting), boosting.build_tree_sum(), boosting.baseline
    width = boosting.scores
    scorer = _QuickScorer(list(boosting.trees()), boosting)
    rows = scorer.build_check_rows(boosting.features)
    if not np.array_equal(
        scorer.add(rows, _fill_baseline(start, _CHECKED_ROWS, width)),
        trees(rows, _fill_baseline(start, _CHECKED_ROWS, width)),
    ):
        raise NoFastFormError

    def run(array: Array) -> Array:
        return scorer.add(features(array), _fill_baseline(start, len(array), width))

    return run


def _fill_baseline(baseline: Array, rows: int, width: int) -> Array:
    total = np.zeros((rows, width), dtype=baseline.dtype, order="F")
    total += baseline
    return total


class _QuickScorer:
    """A bit table for each feature that the trees split on. Rows are codes of values; the last one is missing."""

    def __init__(self, trees: Sequence[BoostingTree], boosting: HistogramBoosting):
        leaves = max(int(tree.nodes["is_leaf"].sum()) for tree in trees)
        if leaves > _MAX_LEAVES:
            raise NoFastFormError
        self._dtype = np.uint32 if leaves <= _MAX_LEAVES_32_BITS else np.uint64
        self._width = boosting.scores
        self._thresholds, self._category_counts = _collect_splits(trees, boosting)
        codes = {feature: len(values) + 1 for feature, values in self._thresholds.items()} | self._category_counts
        if sum(count + 1 for count in codes.values()) * len(trees) * np.dtype(self._dtype).itemsize > _MAX_TABLE_BYTES:
            raise NoFastFormError
        all_leaves = np.iinfo(self._dtype).max
        self._tables = {
            feature: np.full((count + 1, len(trees)), all_leaves, dtype=self._dtype) for feature, count in codes.items()
        }
        self._values = np.zeros((len(trees), leaves))
        for place, tree in enumerate(trees):
            self._add_tree(place, tree)
        self._offsets = np.arange(len(trees)) * leaves

    def _add_tree(self, place: int, tree: BoostingTree) -> None:
        leaf_count, nodes = 0, tree.nodes

        def visit(index: int) -> int:
            """Fill the tables below a node; returns its leaves as bits."""
            nonlocal leaf_count
            node = nodes[index]
            if node["is_leaf"]:
                self._values[place, leaf_count] = node["value"]
                leaf_count += 1
                return 1 << (leaf_count - 1)
            left = visit(int(node["left"]))
            leaves = left | visit(int(node["right"]))
            table = self._tables[int(node["feature_idx"])]
            table[self._goes_right(node, tree.left_categories), place] &= self._dtype(~left & np.iinfo(self._dtype).max)
            return leaves

        visit(0)

    def _goes_right(self, node: Any, bitsets: Array) -> Array:
        """Whether each code of the node's feature goes to the right."""
        feature = int(node["feature_idx"])
        codes = np.arange(len(self._tables[feature]))
        if node["is_categorical"]:
            words = bitsets[node["bitset_idx"]]
            right = np.array([not int(words[code // 32]) >> (code % 32) & 1 for code in codes[:-1]] + [False])
        else:
            right = codes > self._thresholds[feature].searchsorted(node["num_threshold"])
        right[-1] = not node["missing_go_to_left"]
        return right

    def add(self, features: Array, total: Array) -> Array:
        """Add the value of each tree to `total`, in the order of the trees."""
        for first in range(0, len(features), _ROWS_PER_BLOCK):
            part = slice(first, first + _ROWS_PER_BLOCK)
            open_ = self._find_open_leaves(features[part])
            leaf = np.bitwise_count((open_ - self._dtype(1)) & ~open_)
            values = self._values.ravel().take(leaf + self._offsets).T.copy()
            for place, column in enumerate(values):
                total[part, place % self._width] += column
        return total

    def _find_open_leaves(self, features: Array) -> Array:
        found = None
        for feature, table in self._tables.items():
            values = features[:, feature]
            missing = np.isnan(values)
            if feature in self._thresholds:
                codes = self._thresholds[feature].searchsorted(values)
                codes[missing] = len(table) - 1
            else:
                codes = np.where(missing, len(table) - 1, values).astype(np.intp)
            if found is None:
                found = table.take(codes, axis=0)
            else:
                found &= table.take(codes, axis=0)
        if found is None:
            return np.full((len(features), len(self._values)), np.iinfo(self._dtype).max, dtype=self._dtype)
        return found

    def build_check_rows(self, width: int) -> Array:
        """Random rows of thresholds, numbers just above them, categories, infinities and missing values."""
        random = np.random.default_rng(0)
        result = random.normal(size=(_CHECKED_ROWS, width))
        for feature in self._tables:
            if feature in self._thresholds:
                values = self._thresholds[feature]
                values = np.concatenate([values, np.nextafter(values, np.inf), [np.nan, np.inf, -np.inf]])
            else:
                values = np.append(np.arange(float(self._category_counts[feature])), np.nan)
            result[:, feature] = random.choice(values, _CHECKED_ROWS)
        return result


def _collect_splits(
    trees: Sequence[BoostingTree], boosting: HistogramBoosting
) -> tuple[dict[int, Array], dict[int, int]]:
    """The thresholds of each numeric feature, and the number of categories of each categorical one."""
    nodes = np.concatenate([tree.nodes[tree.nodes["is_leaf"] == 0] for tree in trees])
    numbers, others = nodes[nodes["is_categorical"] == 0], nodes[nodes["is_categorical"] == 1]
    thresholds = {
        int(feature): np.unique(numbers["num_threshold"][numbers["feature_idx"] == feature])
        for feature in np.unique(numbers["feature_idx"])
    }
    known = boosting.categories() or []
    return thresholds, {int(feature): len(known[int(feature)]) for feature in np.unique(others["feature_idx"])}


def _build_feature_encoder(boosting: HistogramBoosting) -> ArrayFunction:
    """A function that puts categorical columns first, as codes from 0 on; an unknown category is missing."""
    known = boosting.categories()
    if known is None:
        return lambda array: np.ascontiguousarray(array, dtype=np.float64)
    if not all(len(values) for values in known):
        raise NoFastFormError
    chosen = boosting.categorical_features()
    order = [*np.flatnonzero(chosen).tolist(), *np.flatnonzero(~chosen).tolist()]

    def run(array: Array) -> Array:
        result = np.asarray(array, dtype=np.float64).take(order, axis=1)
        for column, values in enumerate(known):
            column_values = result[:, column]
            found = values.searchsorted(column_values).clip(max=len(values) - 1)
            result[:, column] = np.where(values[found] == column_values, found, np.nan)
        return result

    return run
