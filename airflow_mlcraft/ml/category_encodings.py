"""How a column of categories becomes numbers: a column for each, the mean target of each, or a number for each."""

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
FEW = 25
"""So many categories have a column each in any case."""
_MOST = 100
_ROWS_EACH = 10
_WIDTH = 4000
_CELLS = 50_000_000
NATIVE = 254
"""Histogram gradient boosting splits by categories themselves, up to so many and the missing one."""
_FOLDS = 5


@dataclass(frozen=True)
class Encoded:
    """Columns with their encodings, the most columns that one of them becomes, and what is to be said."""

    columns: tuple[Column, ...]
    most: int
    notes: tuple[str, ...]


def choose_encodings(columns: tuple[Column, ...], counts: Mapping[str, int], rows: int, wanted: int | None) -> Encoded:
    """One-hot where there are few categories or enough rows of each, target encoding where there are many.

    `counts` has the number of categories of each such column. `wanted` is the user's number of one-hot columns.
    """
    few = max(2, min(FEW, _WIDTH // max(1, len(counts))))
    if wanted is not None:
        notes = [
            f"the column {name!r} has {count} categories; the most frequent have a column each, {wanted} in all, as "
            "max_categories says"
            for name, count in counts.items()
            if count > wanted
        ]
        made = tuple(replace(one, encode=ONE_HOT) if one.name in counts else one for one in columns)
        return Encoded(made, wanted, tuple(notes))
    width = sum(min(count, few) for count in counts.values())
    chosen, notes = dict[str, str](), list[str]()
    for name, count in sorted(counts.items(), key=lambda pair: (pair[1], pair[0])):
        more = count - few
        fits = width + max(0, more) <= _WIDTH and rows * (width + max(0, more)) <= max(_CELLS, rows * width)
        chosen[name] = ONE_HOT if count <= few or (count <= _MOST and rows >= _ROWS_EACH * count and fits) else TARGET
        if count > few:
            width += more if chosen[name] == ONE_HOT else 0
            how = {
                ONE_HOT: "each has a column of its own",
                TARGET: "each is the mean of the target in it (target encoding, cross-fitted)",
            }
            notes.append(f"the column {name!r} has {count} categories in {rows} rows: {how[chosen[name]]}")
    made = tuple(replace(one, encode=chosen[one.name]) if one.name in chosen else one for one in columns)
    most = max([few, *(count for name, count in counts.items() if chosen[name] == ONE_HOT)])
    return Encoded(made, most, tuple(notes))


def one_hot(most: int) -> Any:
    """A column for each category; rare ones share one where there are more than so many."""
    from sklearn.preprocessing import OneHotEncoder

    return OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=most, sparse_output=False, dtype=np.float64
    )


def target_mean(task: str) -> Any:
    """The mean target of each category, learned for a row from other rows."""
    from sklearn.model_selection import KFold
    from sklearn.preprocessing import TargetEncoder

    kind = "continuous" if task == REGRESSION else "auto"
    if signature(TargetEncoder).parameters["random_state"].default == "deprecated":
        return TargetEncoder(target_type=kind, cv=KFold(_FOLDS, shuffle=True, random_state=0))
    return TargetEncoder(target_type=kind, cv=_FOLDS, random_state=0)


def ordinal(most: int | None) -> Any:
    """A number for each category; what training has not seen is missing."""
    from sklearn.preprocessing import OrdinalEncoder

    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=most)


def takes_categories(estimator: Any) -> bool:
    """Whether this is histogram gradient boosting whose user has not said which features are categories."""
    kind = type(estimator)
    return (
        kind.__module__.startswith("sklearn.")
        and kind.__name__ in ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor")
        and isinstance(estimator.categorical_features, str | None)
    )
