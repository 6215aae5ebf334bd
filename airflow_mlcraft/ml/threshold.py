"""The probability from which the positive one of two classes is named: chosen on folds, or given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.metrics import CLASSIFICATION, METRICS, Answers, Metric, join_answers

AUTO = "auto"
_TRIED = 200
_INSTEAD = "balanced_acc"
_ONE_SIDED = ("precision", "recall")


def parse_threshold(text: str) -> float | str:
    """`auto`, or a probability."""
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
    """There are two classes, and the model knows probabilities."""
    if task != CLASSIFICATION or len(classes) != 2:  # noqa: PLR2004
        what = task if task != CLASSIFICATION else f"{len(classes)} classes"
        raise StepError(f"--threshold is for two classes, and this is {'a ' if task != CLASSIFICATION else ''}{what}")
    if not hasattr(estimator, "predict_proba"):
        raise StepError(f"--threshold: {name} gives no probabilities; leave the threshold out for this model")


def with_threshold(estimator: Any, threshold: float, positive: Any) -> Any:
    """The estimator, which names the positive class from this probability on."""
    from sklearn.model_selection import FixedThresholdClassifier

    return FixedThresholdClassifier(estimator, threshold=threshold, pos_label=positive, response_method="predict_proba")


def metric_of_threshold(metric: Metric) -> Metric:
    """What the threshold makes best: the metric that counts, if it depends on a threshold and has two sides."""
    return METRICS[_INSTEAD] if metric.of_probabilities or metric.name in _ONE_SIDED else metric


def choose_threshold(metric: Metric, each: Sequence[Answers]) -> float:
    """The best threshold for these answers together; of equal ones the one nearest to a half."""
    answers = join_answers(each)
    values = _of_positive(answers)
    unique = np.unique(values)
    between = (unique[1:] + unique[:-1]) / 2
    if len(between) > _TRIED:
        between = np.quantile(between, np.linspace(0, 1, _TRIED))
    tried = sorted({0.5, *between.tolist()}, key=lambda one: (abs(one - 0.5), one))
    sign = 1.0 if metric.higher_is_better else -1.0
    found = [metric.score(answers_at(answers, one)) for one in tried]
    scores = [-np.inf if score is None else sign * score for score in found]
    best = max(range(len(tried)), key=lambda place: scores[place])
    return float(np.round(tried[best], 6))


def thresholds_of_folds(metric: Metric, each: Sequence[Answers]) -> list[float]:
    """For each fold the threshold that the others choose, so that its score is one of rows that did not choose."""
    return [choose_threshold(metric, [*each[:place], *each[place + 1 :]]) for place in range(len(each))]


def answers_at(answers: Answers, threshold: float) -> Answers:
    """The same answers with another threshold."""
    other = next(one for one in answers.classes if one != answers.positive)
    labels = np.asarray([other, answers.positive], dtype=np.asarray(answers.truth).dtype)
    return replace(answers, predictions=labels[(_of_positive(answers) >= threshold).astype(np.intp)])


def _of_positive(answers: Answers) -> Any:
    return answers.probabilities[:, answers.classes.index(answers.positive)]
