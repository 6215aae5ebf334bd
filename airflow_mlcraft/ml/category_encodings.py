"""Encodings of categories as numbers: one-hot, target encoding or ordinal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any

import numpy as np

from airflow_mlcraft.ml.metrics import REGRESSION
from airflow_mlcraft.ml.recipe import Column

ONE_HOT, TARGET, ORDINAL = "one-hot", "target", "ordinal"
MISSING = "(missing)"
ALWAYS_ONE_HOT = 25
"""Columns with up to so many categories are always one-hot encoded."""
_MAX_ONE_HOT = 100
_MIN_ROWS_PER_CATEGORY = 10
_MAX_COLUMNS = 4000
_MAX_CELLS = 50_000_000
MAX_NATIVE = 254
"""Most categories that histogram gradient boosting splits by itself, besides the missing one."""
_FOLDS = 5


@dataclass(frozen=True)
class EncodedColumns:
    """Columns with their encodings, the most columns that one of them becomes, and notes about the choice."""

    columns: tuple[Column, ...]
    most: int
    notes: tuple[str, ...]


def choose_encodings(
    columns: tuple[Column, ...], counts: Mapping[str, int], rows: int, max_categories: int | None
) -> EncodedColumns:
    """Choose one-hot for few categories or enough rows of each, and target encoding for many.

    `counts` has the number of categories of each such column. `max_categories` is the user's number of columns.
    """
    always_one_hot = max(2, min(ALWAYS_ONE_HOT, _MAX_COLUMNS // max(1, len(counts))))
    if max_categories is not None:
        notes = [
            f"the column {name!r} has {count} categories; the most frequent have a column each, {max_categories} in "
            "all, as max_categories says"
            for name, count in counts.items()
            if count > max_categories
        ]
        encoded = tuple(replace(one, encode=ONE_HOT) if one.name in counts else one for one in columns)
        return EncodedColumns(encoded, max_categories, tuple(notes))
    width = sum(min(count, always_one_hot) for count in counts.values())
    chosen, notes = dict[str, str](), list[str]()
    for name, count in sorted(counts.items(), key=lambda pair: (pair[1], pair[0])):
        more = count - always_one_hot
        fits = width + max(0, more) <= _MAX_COLUMNS and rows * (width + max(0, more)) <= max(_MAX_CELLS, rows * width)
        chosen[name] = (
            ONE_HOT
            if count <= always_one_hot or (count <= _MAX_ONE_HOT and rows >= _MIN_ROWS_PER_CATEGORY * count and fits)
            else TARGET
        )
        if count > always_one_hot:
            width += more if chosen[name] == ONE_HOT else 0
            descriptions = {
                ONE_HOT: "each has a column of its own",
                TARGET: "each is the mean of the target in it (target encoding, cross-fitted)",
            }
            notes.append(f"the column {name!r} has {count} categories in {rows} rows: {descriptions[chosen[name]]}")
    encoded = tuple(replace(one, encode=chosen[one.name]) if one.name in chosen else one for one in columns)
    most = max([always_one_hot, *(count for name, count in counts.items() if chosen[name] == ONE_HOT)])
    return EncodedColumns(encoded, most, tuple(notes))


def one_hot_encoder(most: int) -> Any:
    """An encoder with a column for each category; the rarest share one if there are more than `most`."""
    from sklearn.preprocessing import OneHotEncoder

    return OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=most, sparse_output=False, dtype=np.float64
    )


def target_encoder(task: str) -> Any:
    """An encoder with the mean target of each category, cross-fitted."""
    from sklearn.model_selection import KFold
    from sklearn.preprocessing import TargetEncoder

    kind = "continuous" if task == REGRESSION else "auto"
    if signature(TargetEncoder).parameters["random_state"].default == "deprecated":
        return TargetEncoder(target_type=kind, cv=KFold(_FOLDS, shuffle=True, random_state=0))
    return TargetEncoder(target_type=kind, cv=_FOLDS, random_state=0)


def ordinal_encoder(most: int | None) -> Any:
    """An encoder with a number for each category; categories not seen in training are missing."""
    from sklearn.preprocessing import OrdinalEncoder

    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=most)


def has_native_categories(estimator: Any) -> bool:
    """Whether an estimator is histogram gradient boosting with `categorical_features` not set by the user."""
    kind = type(estimator)
    return (
        kind.__module__.startswith("sklearn.")
        and kind.__name__ in ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor")
        and isinstance(estimator.categorical_features, str | None)
    )
