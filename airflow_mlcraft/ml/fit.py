"""Fit a model, and score it in cross-validation: prepared anew in each fold, and the same on any number of cores."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.boosters import on_threads
from airflow_mlcraft.ml.metrics import CLASSIFICATION, Answers, answers_of, metric_for, scores
from airflow_mlcraft.ml.preparation import pipeline, without_columns
from airflow_mlcraft.ml.split import times
from airflow_mlcraft.ml.threshold import (
    AUTO,
    answers_at,
    check_threshold,
    choose_threshold,
    metric_of_threshold,
    thresholds_of_folds,
    with_threshold,
)

if TYPE_CHECKING:
    import pandas as pd

    from airflow_mlcraft.ml.metrics import Metric
    from airflow_mlcraft.ml.recipe import Recipe


_EXPECTED = (ValueError, TypeError, ArithmeticError, np.linalg.LinAlgError)
_OF_BOOSTERS = ("CatBoostError", "LightGBMError", "XGBoostError")
Scores = dict[str, float | None]


@dataclass(frozen=True)
class Fitted:
    """A model and how good it is. `cv` has mean, std and the folds' scores of each metric."""

    model: Any
    cv: Mapping[str, Mapping[str, Any]]
    train: Scores
    warnings: list[str] = field(default_factory=list)
    threshold: Mapping[str, Any] | None = None


def fit(
    recipe: Recipe,
    train: pd.DataFrame,
    estimator: Any,
    *,
    name: str,
    count: int,
    seed: int,
    cores: int,
    threshold: float | str | None = None,
    metric: Metric | None = None,
) -> Fitted:
    """The pipeline of the recipe and the estimator, fitted on all of the training part.

    A `threshold` of "auto" is chosen on the folds for this metric; each fold is scored with what the others choose.
    """
    from joblib import Parallel, delayed
    from sklearn.base import clone
    from threadpoolctl import threadpool_limits

    features, truth = recipe.typed(train), recipe.truth(train)
    cuts = folds(recipe, train, truth, count, seed)
    chosen = metric_of_threshold(metric or metric_for(recipe.task)) if threshold == AUTO else None
    if threshold is not None:
        check_threshold(recipe.task, recipe.classes, estimator, name)
    if chosen is not None and not cuts:
        raise StepError("--threshold auto is chosen on folds, and --folds is 0; give folds, or a threshold")
    if isinstance(threshold, float):
        estimator = with_threshold(estimator, threshold, recipe.positive)
    each_model = without_columns(pipeline(recipe, estimator))

    def fold(words: str, new: Any, cut: tuple[Any, Any]) -> Any:
        with _sentences(words), threadpool_limits({"openmp": 1}):
            if chosen is None:
                return fold_scores(recipe, new, features, truth, cut)
            return _fold_answers(recipe, new, features, truth, cut)

    with on_cores(cores), telling(name) as told:
        folded = enumerate(cuts, 1)
        each = Parallel()(delayed(fold)(f"{name} in fold {n}", clone(each_model), cut) for n, cut in folded)
        used: dict[str, Any] | None = None if threshold is None else {"value": threshold, "metric": None}
        if chosen is not None:
            places = thresholds_of_folds(chosen, each)
            used = {"value": choose_threshold(chosen, each), "metric": chosen.name, "folds": places}
            each = [scores(recipe.task, answers_at(one, at)) for one, at in zip(each, places, strict=True)]
            estimator = with_threshold(estimator, used["value"], recipe.positive)
        model = pipeline(recipe, estimator)
        after_columns = without_columns(model)
        model[0].fit(features)
        with on_threads(estimator, cores):
            after_columns.fit(features, truth)
        found = model_scores(recipe, after_columns, features, truth)
    return Fitted(model, summary(each), found, told, used)


def _fold_answers(recipe: Recipe, model: Any, features: pd.DataFrame, truth: Any, cut: tuple[Any, Any]) -> Answers:
    fitted = model.fit(features.iloc[cut[0]], truth[cut[0]])
    return answers_of(fitted, features.iloc[cut[1]], truth[cut[1]], positive=recipe.positive)


def fold_scores(recipe: Recipe, model: Any, features: pd.DataFrame, truth: Any, cut: tuple[Any, Any]) -> Scores:
    """Fit on the rows of one side, score on those of the other."""
    fitted = model.fit(features.iloc[cut[0]], truth[cut[0]])
    return model_scores(recipe, fitted, features.iloc[cut[1]], truth[cut[1]])


def model_scores(recipe: Recipe, model: Any, features: pd.DataFrame, truth: Any) -> Scores:
    """All metrics of a fitted model."""
    return scores(recipe.task, answers_of(model, features, truth, positive=recipe.positive))


def summary(each: list[Scores]) -> dict[str, dict[str, Any]]:
    """Mean and standard deviation of each metric that all folds have."""
    found: dict[str, dict[str, Any]] = {}
    for metric in each[0] if each else {}:
        values = [fold[metric] for fold in each]
        there = [value for value in values if value is not None]
        if len(there) == len(values):
            found[metric] = {"mean": float(np.mean(there)), "std": float(np.std(there)), "folds": there}
    return found


@contextmanager
def on_cores(cores: int) -> Iterator[None]:
    """So many threads for work that is divided; one for linear algebra, whose sums would come out differently."""
    from joblib import parallel_config
    from threadpoolctl import threadpool_limits

    if cores < 1:
        raise StepError(f"--cores is {cores}; expected 1 or more")
    with threadpool_limits({"blas": 1, "openmp": cores}), parallel_config(backend="threading", n_jobs=cores):
        yield


@contextmanager
def telling(name: str) -> Iterator[list[str]]:
    """What goes wrong in fitting as a sentence, and each different warning once."""
    said: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with _sentences(name):
            yield said
    lines = (f"{name}: {str(one.message).strip().splitlines()[0]}" for one in caught if _is_news(one))
    said.extend(dict.fromkeys(lines))


@contextmanager
def _sentences(name: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not isinstance(error, _EXPECTED) and type(error).__name__ not in _OF_BOOSTERS:
            raise
        raise StepError(f"{name} could not be fitted: {' '.join(str(error).split())}") from error


def _is_news(warning: warnings.WarningMessage) -> bool:
    return not issubclass(warning.category, DeprecationWarning | FutureWarning | PendingDeprecationWarning)


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
