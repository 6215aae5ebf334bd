"""Metrics by the names that people use, which way is better, and how scikit-learn counts them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.nearest import suggestion

CLASSIFICATION = "classification"
REGRESSION = "regression"
TASKS = (CLASSIFICATION, REGRESSION)
DEFAULT = {CLASSIFICATION: "acc", REGRESSION: "rmse"}


@dataclass(frozen=True)
class Answers:
    """What a model says to some rows, and what is true. `positive` is the class to find, where there are two."""

    truth: Any
    predictions: Any
    classes: tuple[Any, ...] = ()
    positive: Any = None
    probabilities: Any = None
    decisions: Any = None


@dataclass(frozen=True)
class Metric:
    """One number that says how good answers are, or None where it has no meaning."""

    name: str
    task: str
    higher_is_better: bool
    score: Callable[[Answers], float | None]
    words: str
    of_probabilities: bool = False

    def better(self, one: float, other: float) -> bool:
        """Whether one score beats the other."""
        return one > other if self.higher_is_better else one < other

    @property
    def direction(self) -> str:
        """As people read it."""
        return "higher is better" if self.higher_is_better else "lower is better"


def _averaged(name: str) -> Callable[[Answers], float]:
    def score(answers: Answers) -> float:
        from sklearn import metrics

        how: dict[str, Any] = {"average": "macro"}
        if answers.positive is not None:
            how = {"average": "binary", "pos_label": answers.positive}
        function = getattr(metrics, name)
        return float(function(answers.truth, answers.predictions, zero_division=0, **how))

    return score


def _accuracy(answers: Answers) -> float:
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(answers.truth, answers.predictions))


def _roc_auc(answers: Answers) -> float | None:
    from sklearn.metrics import roc_auc_score

    if len(answers.classes) == 1 or set(np.unique(answers.truth)) != set(answers.classes):
        return None
    if answers.positive is not None:
        if answers.probabilities is not None:
            values = answers.probabilities[:, answers.classes.index(answers.positive)]
        elif answers.decisions is not None:
            values = answers.decisions if answers.positive == answers.classes[1] else -answers.decisions
        else:
            return None
        return float(roc_auc_score(np.asarray(answers.truth) == answers.positive, values))
    if answers.probabilities is None:
        return None
    return float(
        roc_auc_score(
            answers.truth, answers.probabilities, multi_class="ovr", average="macro", labels=list(answers.classes)
        )
    )


def _log_loss(answers: Answers) -> float | None:
    from sklearn.metrics import log_loss

    lacking = len(answers.classes) == 1 or set(np.unique(answers.truth)) - set(answers.classes)
    if answers.probabilities is None or lacking:
        return None
    return float(log_loss(answers.truth, answers.probabilities, labels=list(answers.classes)))


def _plain(name: str) -> Callable[[Answers], float]:
    def score(answers: Answers) -> float:
        from sklearn import metrics

        return float(getattr(metrics, name)(answers.truth, answers.predictions))

    return score


def _r2(answers: Answers) -> float | None:
    return _plain("r2_score")(answers) if len(answers.truth) > 1 else None


METRICS = {
    metric.name: metric
    for metric in (
        Metric("acc", CLASSIFICATION, True, _accuracy, "share of right answers"),
        Metric("precision", CLASSIFICATION, True, _averaged("precision_score"), "right among those called so"),
        Metric("recall", CLASSIFICATION, True, _averaged("recall_score"), "found among those that are so"),
        Metric("f1", CLASSIFICATION, True, _averaged("f1_score"), "harmonic mean of precision and recall"),
        Metric("roc_auc", CLASSIFICATION, True, _roc_auc, "chance that a pair is ranked rightly", True),
        Metric("log_loss", CLASSIFICATION, False, _log_loss, "surprise at the truth, given the probabilities", True),
        Metric("rmse", REGRESSION, False, _plain("root_mean_squared_error"), "root of the mean squared error"),
        Metric("mae", REGRESSION, False, _plain("mean_absolute_error"), "mean absolute error"),
        Metric("mse", REGRESSION, False, _plain("mean_squared_error"), "mean squared error"),
        Metric("r2", REGRESSION, True, _r2, "share of the variance that is explained"),
        Metric("mape", REGRESSION, False, _plain("mean_absolute_percentage_error"), "mean error, as a share"),
    )
}


def metric_for(task: str, name: str | None = None) -> Metric:
    """The metric of that name, or the default of the task."""
    wanted = (name or DEFAULT[task]).strip().lower()
    of_task = [metric.name for metric in METRICS.values() if metric.task == task]
    found = METRICS.get(wanted)
    if found is None:
        raise StepError(f"there is no metric {name!r}; for {task} {suggestion(wanted, of_task)}")
    if found.task != task:
        raise StepError(f"{wanted} is a metric for {found.task}, and this is {task}: {', '.join(of_task)}")
    return found


def answers_of(model: Any, frame: Any, truth: Any, *, positive: Any, metric: Metric | None = None) -> Answers:
    """Ask a fitted model, for all metrics or for one.

    It answers in one thread: several would add up a forest's votes in an order of their own.
    """
    from joblib import parallel_config

    classes = tuple(np.asarray(model.classes_).tolist()) if hasattr(model, "classes_") else ()
    probabilities = decisions = None
    with parallel_config(backend="sequential"):
        model, frame = _prepared(model, frame)
        predictions = model.predict(frame)
        if metric is not None and not metric.of_probabilities:
            return Answers(np.asarray(truth), predictions, classes, positive)
        if classes and hasattr(model, "predict_proba"):
            probabilities = model.predict_proba(frame)
        elif classes and hasattr(model, "decision_function"):
            decisions = model.decision_function(frame)
    return Answers(np.asarray(truth), predictions, classes, positive, probabilities, decisions)


def _prepared(model: Any, frame: Any) -> tuple[Any, Any]:
    """The estimator of a pipeline and the prepared rows, so that rows are prepared once."""
    from sklearn.pipeline import Pipeline

    if not isinstance(model, Pipeline) or len(model) == 1:
        return model, frame
    return model[-1], model[:-1].transform(frame)


def scores(task: str, answers: Answers) -> dict[str, float | None]:
    """All metrics of the task."""
    answers = _with_codes(answers)
    return {metric.name: metric.score(answers) for metric in METRICS.values() if metric.task == task}


def _with_codes(answers: Answers) -> Answers:
    """Labels that are texts as their places among the sorted labels: scikit-learn compares numbers far faster."""
    truth, predictions = np.asarray(answers.truth), np.asarray(answers.predictions)
    if truth.dtype != object or predictions.dtype != object or not answers.classes:
        return answers
    import pandas as pd

    labels = sorted({*answers.classes, *pd.unique(truth), *pd.unique(predictions)})
    index = pd.Index(labels, dtype=object)
    return replace(
        answers,
        truth=index.get_indexer(truth),
        predictions=index.get_indexer(predictions),
        classes=tuple(index.get_indexer(list(answers.classes)).tolist()),
        positive=None if answers.positive is None else labels.index(answers.positive),
    )
