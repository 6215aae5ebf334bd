"""Raw scores of scikit-learn's histogram gradient boosting, without its checks: by its own trees, or by all at once.

All trees at once: a table for each feature says which leaves of every tree a value leaves open, as bits; the leaf of a
row is the first that no feature excludes. (Lucchese and others: QuickScorer, 2015.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from airflow_mlcraft.serving.model.fast_transformers import Array, NotPlain, Step

_MOST_LEAVES = 64
_NARROW = 32
_MOST_BYTES = 16 << 20
_ROWS = 512
"""So many at a time, which caches hold."""
_TRIED = 500


def scores_by_trees(fitted: Any) -> Step:
    """The trees one after the other, each in the compiled code of scikit-learn, in this thread."""
    features, trees = _features(fitted), _trees(fitted)
    start, width = fitted._baseline_prediction, fitted.n_trees_per_iteration_

    def run(array: Array) -> Array:
        return trees(features(array), _start(start, len(array), width))

    return run


def scores_by_bits(fitted: Any) -> Step:
    """All trees at once, to the last bit as one after the other; NotPlain where they are too many or too large."""
    features, trees, start = _features(fitted), _trees(fitted), fitted._baseline_prediction
    width = fitted.n_trees_per_iteration_
    bits = _Bits([tree.nodes for iteration in fitted._predictors for tree in iteration], fitted)
    odd = bits.odd_rows(fitted._n_features)
    if not np.array_equal(bits.add(odd, _start(start, _TRIED, width)), trees(odd, _start(start, _TRIED, width))):
        raise NotPlain

    def run(array: Array) -> Array:
        return bits.add(features(array), _start(start, len(array), width))

    return run


def _start(baseline: Array, rows: int, width: int) -> Array:
    total = np.zeros((rows, width), dtype=baseline.dtype, order="F")
    total += baseline
    return total


def _trees(fitted: Any) -> Any:
    trees = [(place, tree) for iteration in fitted._predictors for place, tree in enumerate(iteration)]
    known, places = fitted._bin_mapper.make_known_categories_bitsets()

    def add(features: Array, total: Array) -> Array:
        for place, tree in trees:
            total[:, place] += tree.predict(features, known, places, 1)
        return total

    return add


class _Bits:
    """The tables of the features that some tree asks for. `codes` are the rows of a table; the last one is missing."""

    def __init__(self, trees: Sequence[Array], fitted: Any):
        leaves = max(int(nodes["is_leaf"].sum()) for nodes in trees)
        if leaves > _MOST_LEAVES:
            raise NotPlain
        self._kind = np.uint32 if leaves <= _NARROW else np.uint64
        self._width = fitted.n_trees_per_iteration_
        self._thresholds, self._categories = _splits(trees, fitted)
        codes = {feature: len(values) + 1 for feature, values in self._thresholds.items()} | self._categories
        if sum(count + 1 for count in codes.values()) * len(trees) * np.dtype(self._kind).itemsize > _MOST_BYTES:
            raise NotPlain
        every = np.iinfo(self._kind).max
        self._tables = {
            feature: np.full((count + 1, len(trees)), every, dtype=self._kind) for feature, count in codes.items()
        }
        self._values = np.zeros((len(trees), leaves))
        bitsets = [tree.raw_left_cat_bitsets for iteration in fitted._predictors for tree in iteration]
        for place, nodes in enumerate(trees):
            self._add_tree(place, nodes, bitsets[place])
        self._offsets = np.arange(len(trees)) * leaves

    def _add_tree(self, place: int, nodes: Array, bitsets: Array) -> None:
        reached = 0

        def visit(index: int) -> int:
            """The leaves below a node, as bits."""
            nonlocal reached
            node = nodes[index]
            if node["is_leaf"]:
                self._values[place, reached] = node["value"]
                reached += 1
                return 1 << (reached - 1)
            left = visit(int(node["left"]))
            both = left | visit(int(node["right"]))
            table = self._tables[int(node["feature_idx"])]
            table[self._to_the_right(node, bitsets), place] &= self._kind(~left & np.iinfo(self._kind).max)
            return both

        visit(0)

    def _to_the_right(self, node: Any, bitsets: Array) -> Array:
        """Which codes of its feature go to the right of a node."""
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
        """Add the value of each tree, in their order."""
        for first in range(0, len(features), _ROWS):
            part = slice(first, first + _ROWS)
            open_ = self._open(features[part])
            leaf = np.bitwise_count((open_ - self._kind(1)) & ~open_)
            values = self._values.ravel().take(leaf + self._offsets).T.copy()
            for place, column in enumerate(values):
                total[part, place % self._width] += column
        return total

    def _open(self, features: Array) -> Array:
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
            return np.full((len(features), len(self._values)), np.iinfo(self._kind).max, dtype=self._kind)
        return found

    def odd_rows(self, width: int) -> Array:
        """Rows of thresholds, the numbers just above them, categories, infinities and missing values."""
        chance = np.random.default_rng(0)
        made = chance.normal(size=(_TRIED, width))
        for feature in self._tables:
            if feature in self._thresholds:
                values = self._thresholds[feature]
                values = np.concatenate([values, np.nextafter(values, np.inf), [np.nan, np.inf, -np.inf]])
            else:
                values = np.append(np.arange(float(self._categories[feature])), np.nan)
            made[:, feature] = chance.choice(values, _TRIED)
        return made


def _splits(trees: Sequence[Array], fitted: Any) -> tuple[dict[int, Array], dict[int, int]]:
    """The thresholds of each feature of numbers, and how many categories each other one has."""
    nodes = np.concatenate([one[one["is_leaf"] == 0] for one in trees])
    numbers, others = nodes[nodes["is_categorical"] == 0], nodes[nodes["is_categorical"] == 1]
    thresholds = {
        int(feature): np.unique(numbers["num_threshold"][numbers["feature_idx"] == feature])
        for feature in np.unique(numbers["feature_idx"])
    }
    known = _categories(fitted)
    return thresholds, {int(feature): len(known[int(feature)]) for feature in np.unique(others["feature_idx"])}


def _categories(fitted: Any) -> list[Array]:
    """The categories of the features that are some: these come first."""
    if fitted._preprocessor is None:
        return []
    listed = fitted._preprocessor.named_transformers_["encoder"].categories_
    found = [np.asarray(values, dtype=np.float64) for values in listed]
    return [values[~np.isnan(values)] for values in found]


def _features(fitted: Any) -> Step:
    """Categories first and as numbers from 0 on, then the other columns; what training has not seen is missing."""
    if fitted._preprocessor is None:
        return lambda array: np.ascontiguousarray(array, dtype=np.float64)
    known = _categories(fitted)
    if not all(len(values) for values in known):
        raise NotPlain
    chosen = fitted.is_categorical_
    order = [*np.flatnonzero(chosen).tolist(), *np.flatnonzero(~chosen).tolist()]

    def run(array: Array) -> Array:
        made = np.asarray(array, dtype=np.float64).take(order, axis=1)
        for column, values in enumerate(known):
            given = made[:, column]
            found = values.searchsorted(given).clip(max=len(values) - 1)
            made[:, column] = np.where(values[found] == given, found, np.nan)
        return made

    return run
