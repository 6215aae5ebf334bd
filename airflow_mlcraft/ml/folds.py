"""The folds of a cross-validation, cut in the same spirit as the test part was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.metrics import CLASSIFICATION
from airflow_mlcraft.ml.split import times

if TYPE_CHECKING:
    import pandas as pd

    from airflow_mlcraft.ml.recipe import Recipe


def folds(recipe: Recipe, train: pd.DataFrame, truth: Any, count: int, seed: int) -> list[tuple[Any, Any]]:
    """Rows to fit on and rows to score on, `count` times; none when `count` is 0."""
    if count == 0:
        return []
    if count == 1 or count < 0:
        raise StepError(f"--folds is {count}; expected 2 or more, or 0 for no cross-validation")
    if count > len(train):
        raise StepError(f"--folds {count} of {len(train)} training rows cannot be; give fewer folds, or more data")
    groups = None
    if recipe.group is not None:
        if recipe.group not in train.columns:
            raise StepError(f"the training part lacks the column {recipe.group!r}, whose rows are to stay together")
        groups = train[recipe.group].astype(str).to_numpy()
        if len(np.unique(groups)) < count:
            raise StepError(f"--folds {count} of {len(np.unique(groups))} groups cannot be; give fewer folds")
    if recipe.task == CLASSIFICATION and recipe.split.get("by") != "time":
        most = max(np.unique(truth, return_counts=True)[1].tolist())
        if most < count:
            raise StepError(f"--folds {count} is more than any class has rows ({most}); give fewer folds")
    if recipe.time is not None and recipe.time in train.columns:
        return _by_time(train, recipe.time, count)
    return list(_cutter(recipe, count, seed).split(np.zeros(len(train)), truth, groups))


def _by_time(train: pd.DataFrame, column: str, count: int) -> list[tuple[Any, Any]]:
    """Later rows are scored by what was learned from earlier ones; rows of one time stamp are on one side."""
    from sklearn.model_selection import TimeSeriesSplit

    stamps, places = np.unique(times(train[column], column), return_inverse=True)
    if len(stamps) <= count:
        raise StepError(
            f"--folds {count} need {count + 1} different times in {column!r}, and there are {len(stamps)}; "
            "give fewer folds"
        )
    cuts = TimeSeriesSplit(count).split(stamps)
    return [(np.flatnonzero(np.isin(places, one)), np.flatnonzero(np.isin(places, other))) for one, other in cuts]


def _cutter(recipe: Recipe, count: int, seed: int) -> Any:
    from sklearn import model_selection as cut

    by = recipe.split.get("by")
    if by == "time":
        return cut.TimeSeriesSplit(count)
    if by == "group":
        if recipe.task == CLASSIFICATION:
            return cut.StratifiedGroupKFold(count, shuffle=True, random_state=seed)
        return cut.GroupKFold(count)
    kind = cut.StratifiedKFold if recipe.task == CLASSIFICATION else cut.KFold
    return kind(count, shuffle=True, random_state=seed)
