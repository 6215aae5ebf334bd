"""Metrics: their names and aliases, whether higher is better, and their computation by scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from airflow_mlcraft.common.did_you_mean import build_suggestion
from airflow_mlcraft.errors import StepError

CLASSIFICATION = "classification"
REGRESSION = "regression"
TASKS = (CLASSIFICATION, REGRESSION)
DEFAULT = {CLASSIFICATION: "acc", REGRESSION: "rmse"}


@dataclass(frozen=True)
class Answers:
    """Predictions of a model for some rows, and their true values. `positive` is the positive one of two classes."""

    truth: Any
    predictions: Any
    classes: tuple[Any, ...] = ()
    positive: Any = None
    probabilities: Any = None
    decisions: Any = None

    def only(self, rows: Any) -> Answers:
        """The answers for some of the rows."""

        def select(values: Any) -> Any:
            return None if values is None else np.asarray(values)[rows]

        return replace(
            self,
            truth=select(self.truth),
            predictions=select(self.predictions),
            probabilities=select(self.probabilities),
            decisions=select(self.decisions),
        )


def join_answers(each: Sequence[Answers]) -> Answers:
    """Join the answers of one model for several batches of rows."""
    first = each[0]
    if len(each) == 1:
        return first

    def join(name: str) -> Any:
        is_missing = getattr(first, name) is None
        return None if is_missing else np.concatenate([getattr(one, name) for one in each])

    return replace(
        first,
        truth=join("truth"),
        predictions=join("predictions"),
        probabilities=join("probabilities"),
        decisions=join("decisions"),
    )


@dataclass(frozen=True)
class Metric:
    """A metric. `score` returns None where it is undefined."""

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
        """ "higher is better" or "lower is better"."""
        return "higher is better" if self.higher_is_better else "lower is better"


def _averaged_metric(name: str) -> Callable[[Answers], float]:
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


def _balanced_accuracy(answers: Answers) -> float:
    """Balanced accuracy without scikit-learn's warning about predicted classes that no row has."""
    from sklearn.metrics import recall_score

    present = np.unique(np.asarray(answers.truth))
    return float(recall_score(answers.truth, answers.predictions, labels=present, average="macro", zero_division=0))


def _pr_auc(answers: Answers) -> float | None:
    from sklearn.metrics import average_precision_score

    values = _scores_of_positive(answers)
    truth = np.asarray(answers.truth) == answers.positive
    return None if values is None or not truth.any() else float(average_precision_score(truth, values))


def _scores_of_positive(answers: Answers) -> Any:
    """Probabilities or decision values of the positive class; None without two classes or without either."""
    if answers.positive is None or len(answers.classes) < 2 or answers.positive not in answers.classes:  # noqa: PLR2004
        return None
    if answers.probabilities is not None:
        return answers.probabilities[:, answers.classes.index(answers.positive)]
    if answers.decisions is None:
        return None
    return answers.decisions if answers.positive == answers.classes[1] else -answers.decisions


def _roc_auc(answers: Answers) -> float | None:
    from sklearn.metrics import roc_auc_score

    if len(answers.classes) == 1 or set(np.unique(answers.truth)) != set(answers.classes):
        return None
    if answers.positive is not None:
        values = _scores_of_positive(answers)
        if values is None:
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


def _simple_metric(name: str) -> Callable[[Answers], float]:
    def score(answers: Answers) -> float:
        from sklearn import metrics

        return float(getattr(metrics, name)(answers.truth, answers.predictions))

    return score


def _r2(answers: Answers) -> float | None:
    return _simple_metric("r2_score")(answers) if len(answers.truth) > 1 else None


METRICS = {
    metric.name: metric
    for metric in (
        Metric("acc", CLASSIFICATION, True, _accuracy, "share of right answers"),
        Metric("balanced_acc", CLASSIFICATION, True, _balanced_accuracy, "mean over the classes of the share found"),
        Metric("precision", CLASSIFICATION, True, _averaged_metric("precision_score"), "right among those called so"),
        Metric("recall", CLASSIFICATION, True, _averaged_metric("recall_score"), "found among those that are so"),
        Metric("f1", CLASSIFICATION, True, _averaged_metric("f1_score"), "harmonic mean of precision and recall"),
        Metric("roc_auc", CLASSIFICATION, True, _roc_auc, "chance that a pair is ranked rightly", True),
        Metric("pr_auc", CLASSIFICATION, True, _pr_auc, "mean precision over all recalls, of the positive class", True),
        Metric("log_loss", CLASSIFICATION, False, _log_loss, "surprise at the truth, given the probabilities", True),
        Metric("rmse", REGRESSION, False, _simple_metric("root_mean_squared_error"), "root of the mean squared error"),
        Metric("mae", REGRESSION, False, _simple_metric("mean_absolute_error"), "mean absolute error"),
        Metric("mse", REGRESSION, False, _simple_metric("mean_squared_error"), "mean squared error"),
        Metric("r2", REGRESSION, True, _r2, "share of the variance that is explained"),
        Metric("mape", REGRESSION, False, _simple_metric("mean_absolute_percentage_error"), "mean error, as a share"),
    )
}


ALIASES = {
    "accuracy": "acc",
    "accuracy_score": "acc",
    "balanced_accuracy": "balanced_acc",
    "balanced_accuracy_score": "balanced_acc",
    "bacc": "balanced_acc",
    "precision_score": "precision",
    "precision_macro": "precision",
    "ppv": "precision",
    "recall_score": "recall",
    "recall_macro": "recall",
    "sensitivity": "recall",
    "tpr": "recall",
    "f1_score": "f1",
    "f1_macro": "f1",
    "auc": "roc_auc",
    "auroc": "roc_auc",
    "roc_auc_score": "roc_auc",
    "roc_auc_ovr": "roc_auc",
    "average_precision": "pr_auc",
    "average_precision_score": "pr_auc",
    "ap": "pr_auc",
    "auprc": "pr_auc",
    "prauc": "pr_auc",
    "neg_log_loss": "log_loss",
    "logloss": "log_loss",
    "cross_entropy": "log_loss",
    "root_mean_squared_error": "rmse",
    "neg_root_mean_squared_error": "rmse",
    "mean_absolute_error": "mae",
    "neg_mean_absolute_error": "mae",
    "mean_squared_error": "mse",
    "neg_mean_squared_error": "mse",
    "r2_score": "r2",
    "r_squared": "r2",
    "mean_absolute_percentage_error": "mape",
    "neg_mean_absolute_percentage_error": "mape",
}
"""Other names of the metrics; scikit-learn's `neg_` names mean the same metric."""


def metric_for(task: str, name: str | None = None) -> Metric:
    """The metric of that name or alias; without a name, the default of the task."""
    key = "_".join((name or "").replace("-", " ").replace("_", " ").lower().split()) or DEFAULT[task]
    key = ALIASES.get(key, key)
    of_task = [metric.name for metric in METRICS.values() if metric.task == task]
    found = METRICS.get(key)
    if found is None:
        others = [alias for alias, metric in ALIASES.items() if metric in of_task]
        raise StepError(f"there is no metric {name!r}; for {task} {build_suggestion(key, [*of_task, *others])}")
    if found.task != task:
        raise StepError(f"{key} is a metric for {found.task}, and this is {task}: {', '.join(of_task)}")
    return found


def predict_answers(model: Any, frame: Any, truth: Any, *, positive: Any, metric: Metric | None = None) -> Answers:
    """Predict with a fitted model what all metrics, or one, need.

    It runs in one thread, since several would add up a forest's votes in varying order.
    """
    from joblib import parallel_config

    classes = tuple(np.asarray(model.classes_).tolist()) if hasattr(model, "classes_") else ()
    probabilities = decisions = None
    with parallel_config(backend="sequential"):
        model, frame = _prepare_rows(model, frame)
        predictions = model.predict(frame)
        if metric is not None and not metric.of_probabilities:
            return Answers(np.asarray(truth), predictions, classes, positive)
        if classes and hasattr(model, "predict_proba"):
            probabilities = model.predict_proba(frame)
        elif classes and hasattr(model, "decision_function"):
            decisions = model.decision_function(frame)
    return Answers(np.asarray(truth), predictions, classes, positive, probabilities, decisions)


def _prepare_rows(model: Any, frame: Any) -> tuple[Any, Any]:
    """The estimator of a pipeline and the prepared rows, so that rows are prepared only once."""
    from sklearn.pipeline import Pipeline

    if not isinstance(model, Pipeline) or len(model) == 1:
        return model, frame
    return model[-1], model[:-1].transform(frame)


def score_all(task: str, answers: Answers, *, only: str | None = None) -> dict[str, float | None]:
    """All metrics of the task, or one. Values that are not finite are None."""
    answers = _with_codes(answers)
    of_task = [metric for metric in METRICS.values() if metric.task == task and only in (None, metric.name)]
    if np.asarray(answers.predictions).dtype.kind == "f" and not np.isfinite(answers.predictions).all():
        return {metric.name: None for metric in of_task}
    with np.errstate(over="ignore", invalid="ignore"):
        return {metric.name: _finite(metric.score(answers)) for metric in of_task}


def score(metric: Metric, answers: Answers) -> float | None:
    """The value of one metric."""
    return score_all(metric.task, answers, only=metric.name)[metric.name]


def _finite(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None


def _with_codes(answers: Answers) -> Answers:
    """Answers with text labels replaced by their positions among all labels, which scikit-learn compares far faster."""
    truth, predictions = np.asarray(answers.truth), np.asarray(answers.predictions)
    if truth.dtype != object or predictions.dtype != object or not answers.classes:
        return answers
    import pandas as pd

    positive = () if answers.positive is None else (answers.positive,)
    labels = sorted({*answers.classes, *positive, *pd.unique(truth), *pd.unique(predictions)})
    index = pd.Index(labels, dtype=object)
    return replace(
        answers,
        truth=index.get_indexer(truth),
        predictions=index.get_indexer(predictions),
        classes=tuple(index.get_indexer(list(answers.classes)).tolist()),
        positive=None if answers.positive is None else labels.index(answers.positive),
    )
