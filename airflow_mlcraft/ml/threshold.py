"""Decision threshold of two classes: the probability from which the positive class is predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.metrics import CLASSIFICATION, METRICS, Metric, Predictions, concat_predictions

AUTO = "auto"
_MAX_CANDIDATES = 200
_FALLBACK_METRIC = "balanced_acc"
_ONE_SIDED = ("precision", "recall")


def parse_threshold(text: str) -> float | str:
    """Parse the option: `auto`, or a probability."""
    if text.strip() == AUTO:
        return AUTO
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 < value < 1:
        raise StepError(f"--threshold is {text!r}; expected auto, or a probability between 0 and 1")
    return value


def check_threshold(task: str, classes: Sequence[Any], estimator: Any, name: str) -> None:
    """Raise an error unless there are two classes and the model has probabilities."""
    if task != CLASSIFICATION or len(classes) != 2:  # noqa: PLR2004
        option = task if task != CLASSIFICATION else f"{len(classes)} classes"
        raise StepError(f"--threshold is for two classes, and this is {'a ' if task != CLASSIFICATION else ''}{option}")
    if not hasattr(estimator, "predict_proba"):
        raise StepError(f"--threshold: {name} gives no probabilities; leave the threshold out for this model")


def wrap_threshold(estimator: Any, threshold: float, positive: Any) -> Any:
    """The estimator in a classifier that predicts the positive class from this probability on."""
    from sklearn.model_selection import FixedThresholdClassifier

    return FixedThresholdClassifier(estimator, threshold=threshold, pos_label=positive, response_method="predict_proba")


def metric_for_threshold(metric: Metric) -> Metric:
    """The metric to choose a threshold by: this one, or balanced accuracy if no threshold can be chosen by it."""
    return METRICS[_FALLBACK_METRIC] if metric.of_probabilities or metric.name in _ONE_SIDED else metric


def choose_threshold(metric: Metric, fold_predictions: Sequence[Predictions]) -> float:
    """The best threshold for all of these predictions; of equal ones the one nearest to 0.5."""
    predictions = concat_predictions(fold_predictions)
    values = _positive_probabilities(predictions)
    unique = np.unique(values)
    midpoints = (unique[1:] + unique[:-1]) / 2
    if len(midpoints) > _MAX_CANDIDATES:
        midpoints = np.quantile(midpoints, np.linspace(0, 1, _MAX_CANDIDATES))
    candidates = sorted({0.5, *midpoints.tolist()}, key=lambda one: (abs(one - 0.5), one))
    sign = 1.0 if metric.higher_is_better else -1.0
    values_of_metric = [metric.score(apply_threshold(predictions, one)) for one in candidates]
    scores = [-np.inf if score is None else sign * score for score in values_of_metric]
    best = max(range(len(candidates)), key=lambda place: scores[place])
    return float(np.round(candidates[best], 6))


def thresholds_of_folds(metric: Metric, fold_predictions: Sequence[Predictions]) -> list[float]:
    """The threshold of each fold, chosen on the other folds, so that no fold is scored with its own choice."""
    return [
        choose_threshold(metric, [*fold_predictions[:place], *fold_predictions[place + 1 :]])
        for place in range(len(fold_predictions))
    ]


def apply_threshold(predictions: Predictions, threshold: float) -> Predictions:
    """The same predictions with another threshold."""
    other = next(one for one in predictions.classes if one != predictions.positive)
    labels = np.asarray([other, predictions.positive], dtype=np.asarray(predictions.y_true).dtype)
    return replace(predictions, y_pred=labels[(_positive_probabilities(predictions) >= threshold).astype(np.intp)])


def _positive_probabilities(predictions: Predictions) -> Any:
    return predictions.probabilities[:, predictions.classes.index(predictions.positive)]
