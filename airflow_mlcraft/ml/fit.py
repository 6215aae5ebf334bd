"""Fitting of a model and its cross-validation. Results do not depend on the number of cores."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.boosters import use_threads
from airflow_mlcraft.ml.metrics import CLASSIFICATION, Predictions, compute_predictions, metric_for, score_all
from airflow_mlcraft.ml.preparation import build_pipeline, without_columns
from airflow_mlcraft.ml.split import to_sortable_times
from airflow_mlcraft.ml.threshold import (
    AUTO,
    apply_threshold,
    check_threshold,
    choose_threshold,
    metric_for_threshold,
    thresholds_of_folds,
    wrap_threshold,
)

if TYPE_CHECKING:
    import pandas as pd

    from airflow_mlcraft.ml.metrics import Metric
    from airflow_mlcraft.ml.recipe import Recipe


_EXPECTED_ERRORS = (ValueError, TypeError, ArithmeticError, np.linalg.LinAlgError)
_BOOSTER_ERRORS = ("CatBoostError", "LightGBMError", "XGBoostError")
Scores = dict[str, float | None]


@dataclass(frozen=True)
class Fitted:
    """A fitted model and its scores. `cv` has mean, standard deviation and fold scores of each metric."""

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
    """Fit the pipeline of recipe and estimator on the whole training part, and score it in `count` folds.

    Preparation is fitted anew in each fold. A `threshold` of "auto" is chosen on the folds for `metric`; each fold is
    scored with the threshold that the others choose.
    """
    from joblib import Parallel, delayed
    from sklearn.base import clone
    from threadpoolctl import threadpool_limits

    features, truth = recipe.typed(train), recipe.truth(train)
    cuts = make_folds(recipe, train, truth, count, seed)
    chosen = metric_for_threshold(metric or metric_for(recipe.task)) if threshold == AUTO else None
    if threshold is not None:
        check_threshold(recipe.task, recipe.classes, estimator, name)
    if chosen is not None and not cuts:
        raise StepError("--threshold auto is chosen on folds, and --folds is 0; give folds, or a threshold")
    if isinstance(threshold, float):
        estimator = wrap_threshold(estimator, threshold, recipe.positive)
    each_model = without_columns(build_pipeline(recipe, estimator))

    def fold(words: str, new: Any, cut: tuple[Any, Any]) -> Any:
        with _translate_errors(words), threadpool_limits({"openmp": 1}):
            if chosen is None:
                return fold_scores(recipe, new, features, truth, cut)
            return _predict_fold(recipe, new, features, truth, cut)

    with limit_threads(cores), collect_warnings(name) as warning_lines:
        folded = enumerate(cuts, 1)
        fold_results = Parallel()(delayed(fold)(f"{name} in fold {n}", clone(each_model), cut) for n, cut in folded)
        threshold_record: dict[str, Any] | None = None if threshold is None else {"value": threshold, "metric": None}
        if chosen is not None:
            fold_thresholds = thresholds_of_folds(chosen, fold_results)
            threshold_record = {
                "value": choose_threshold(chosen, fold_results),
                "metric": chosen.name,
                "folds": fold_thresholds,
            }
            fold_results = [
                score_all(recipe.task, apply_threshold(fold_predictions, fold_threshold))
                for fold_predictions, fold_threshold in zip(fold_results, fold_thresholds, strict=True)
            ]
            estimator = wrap_threshold(estimator, threshold_record["value"], recipe.positive)
        model = build_pipeline(recipe, estimator)
        after_columns = without_columns(model)
        model[0].fit(features)
        with use_threads(estimator, cores):
            after_columns.fit(features, truth)
        train_scores = model_scores(recipe, after_columns, features, truth)
    return Fitted(model, summarize_folds(fold_results), train_scores, warning_lines, threshold_record)


def _predict_fold(recipe: Recipe, model: Any, features: pd.DataFrame, truth: Any, cut: tuple[Any, Any]) -> Predictions:
    fitted = model.fit(features.iloc[cut[0]], truth[cut[0]])
    return compute_predictions(fitted, features.iloc[cut[1]], truth[cut[1]], positive=recipe.positive)


def fold_scores(recipe: Recipe, model: Any, features: pd.DataFrame, truth: Any, cut: tuple[Any, Any]) -> Scores:
    """Fit a model on the training rows of a fold, and score it on its test rows."""
    fitted = model.fit(features.iloc[cut[0]], truth[cut[0]])
    return model_scores(recipe, fitted, features.iloc[cut[1]], truth[cut[1]])


def model_scores(recipe: Recipe, model: Any, features: pd.DataFrame, truth: Any) -> Scores:
    """All metrics of a fitted model."""
    return score_all(recipe.task, compute_predictions(model, features, truth, positive=recipe.positive))


def summarize_folds(each: list[Scores]) -> dict[str, dict[str, Any]]:
    """Mean, standard deviation and values of each metric that is defined in all folds."""
    summary: dict[str, dict[str, Any]] = {}
    for metric in each[0] if each else {}:
        values = [fold[metric] for fold in each]
        defined = [value for value in values if value is not None]
        if len(defined) == len(values):
            summary[metric] = {"mean": float(np.mean(defined)), "std": float(np.std(defined)), "folds": defined}
    return summary


@contextmanager
def limit_threads(cores: int) -> Iterator[None]:
    """Use so many threads for parallel work, and one for linear algebra, whose sums depend on the number of threads."""
    from joblib import parallel_config
    from threadpoolctl import threadpool_limits

    if cores < 1:
        raise StepError(f"--cores is {cores}; expected 1 or more")
    with threadpool_limits({"blas": 1, "openmp": cores}), parallel_config(backend="threading", n_jobs=cores):
        yield


@contextmanager
def collect_warnings(name: str) -> Iterator[list[str]]:
    """Collect each different warning once, and raise expected errors of fitting as `StepError`."""
    lines_seen: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with _translate_errors(name):
            yield lines_seen
    lines = (f"{name}: {str(one.message).strip().splitlines()[0]}" for one in caught if _is_relevant(one))
    lines_seen.extend(dict.fromkeys(lines))


@contextmanager
def _translate_errors(name: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not isinstance(error, _EXPECTED_ERRORS) and type(error).__name__ not in _BOOSTER_ERRORS:
            raise
        raise StepError(f"{name} could not be fitted: {' '.join(str(error).split())}") from error


def _is_relevant(warning: warnings.WarningMessage) -> bool:
    return not issubclass(warning.category, DeprecationWarning | FutureWarning | PendingDeprecationWarning)


def make_folds(recipe: Recipe, train: pd.DataFrame, truth: Any, count: int, seed: int) -> list[tuple[Any, Any]]:
    """Positions of training and test rows of `count` folds; an empty list if `count` is 0."""
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
        return _time_folds(train, recipe.time, count)
    return list(_splitter(recipe, count, seed).split(np.zeros(len(train)), truth, groups))


def _time_folds(train: pd.DataFrame, column: str, count: int) -> list[tuple[Any, Any]]:
    """Folds that train on earlier and test on later rows; rows of one time stamp are never separated."""
    from sklearn.model_selection import TimeSeriesSplit

    stamps, fold_thresholds = np.unique(to_sortable_times(train[column], column), return_inverse=True)
    if len(stamps) <= count:
        raise StepError(
            f"--folds {count} need {count + 1} different times in {column!r}, and there are {len(stamps)}; "
            "give fewer folds"
        )
    cuts = TimeSeriesSplit(count).split(stamps)
    return [
        (np.flatnonzero(np.isin(fold_thresholds, one)), np.flatnonzero(np.isin(fold_thresholds, other)))
        for one, other in cuts
    ]


def _splitter(recipe: Recipe, count: int, seed: int) -> Any:
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
