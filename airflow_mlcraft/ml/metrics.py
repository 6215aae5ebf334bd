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
class Predictions:
    """Predictions of a model for some rows, and their true values. `positive` is the positive one of two classes."""

    y_true: Any
    y_pred: Any
    classes: tuple[Any, ...] = ()
    positive: Any = None
    probabilities: Any = None
    decisions: Any = None

    def select_rows(self, rows: Any) -> Predictions:
        """The predictions for some of the rows."""

        def select(values: Any) -> Any:
            return None if values is None else np.asarray(values)[rows]

        return replace(
            self,
            y_true=select(self.y_true),
            y_pred=select(self.y_pred),
            probabilities=select(self.probabilities),
            decisions=select(self.decisions),
        )


def concat_predictions(batches: Sequence[Predictions]) -> Predictions:
    """Concatenate the predictions of one model for several batches of rows."""
    first = batches[0]
    if len(batches) == 1:
        return first

    def join(name: str) -> Any:
        is_missing = getattr(first, name) is None
        return None if is_missing else np.concatenate([getattr(batch, name) for batch in batches])

    return replace(
        first,
        y_true=join("y_true"),
        y_pred=join("y_pred"),
        probabilities=join("probabilities"),
        decisions=join("decisions"),
    )


@dataclass(frozen=True)
class Metric:
    """A metric. `score` returns None where it is undefined."""

    name: str
    task: str
    higher_is_better: bool
    score: Callable[[Predictions], float | None]
    words: str
    of_probabilities: bool = False

    def better(self, one: float, other: float) -> bool:
        """Whether one score beats the other."""
        return one > other if self.higher_is_better else one < other

    @property
    def direction(self) -> str:
        """ "higher is better" or "lower is better"."""
        return "higher is better" if self.higher_is_better else "lower is better"


def _averaged_metric(name: str) -> Callable[[Predictions], float]:
    def score(predictions: Predictions) -> float:
        from sklearn import metrics

        options: dict[str, Any] = {"average": "macro"}
        if predictions.positive is not None:
            options = {"average": "binary", "pos_label": predictions.positive}
        function = getattr(metrics, name)
        return float(function(predictions.y_true, predictions.y_pred, zero_division=0, **options))

    return score


def _accuracy(predictions: Predictions) -> float:
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(predictions.y_true, predictions.y_pred))


def _balanced_accuracy(predictions: Predictions) -> float:
    """Balanced accuracy without scikit-learn's warning about predicted classes that no row has."""
    from sklearn.metrics import recall_score

    present = np.unique(np.asarray(predictions.y_true))
    return float(recall_score(predictions.y_true, predictions.y_pred, labels=present, average="macro", zero_division=0))


def _pr_auc(predictions: Predictions) -> float | None:
    from sklearn.metrics import average_precision_score

    values = _scores_of_positive(predictions)
    y_true = np.asarray(predictions.y_true) == predictions.positive
    return None if values is None or not y_true.any() else float(average_precision_score(y_true, values))


def _scores_of_positive(predictions: Predictions) -> Any:
    """Probabilities or decision values of the positive class; None without two classes or without either."""
    if predictions.positive is None or len(predictions.classes) < 2 or predictions.positive not in predictions.classes:  # noqa: PLR2004
        return None
    if predictions.probabilities is not None:
        return predictions.probabilities[:, predictions.classes.index(predictions.positive)]
    if predictions.decisions is None:
        return None
    return predictions.decisions if predictions.positive == predictions.classes[1] else -predictions.decisions


def _roc_auc(predictions: Predictions) -> float | None:
    from sklearn.metrics import roc_auc_score

    if len(predictions.classes) == 1 or set(np.unique(predictions.y_true)) != set(predictions.classes):
        return None
    if predictions.positive is not None:
        values = _scores_of_positive(predictions)
        if values is None:
            return None
        return float(roc_auc_score(np.asarray(predictions.y_true) == predictions.positive, values))
    if predictions.probabilities is None:
        return None
    return float(
        roc_auc_score(
            predictions.y_true,
            predictions.probabilities,
            multi_class="ovr",
            average="macro",
            labels=list(predictions.classes),
        )
    )


def _log_loss(predictions: Predictions) -> float | None:
    from sklearn.metrics import log_loss

    lacking = len(predictions.classes) == 1 or set(np.unique(predictions.y_true)) - set(predictions.classes)
    if predictions.probabilities is None or lacking:
        return None
    return float(log_loss(predictions.y_true, predictions.probabilities, labels=list(predictions.classes)))


def _simple_metric(name: str) -> Callable[[Predictions], float]:
    def score(predictions: Predictions) -> float:
        from sklearn import metrics

        return float(getattr(metrics, name)(predictions.y_true, predictions.y_pred))

    return score


def _r2(predictions: Predictions) -> float | None:
    return _simple_metric("r2_score")(predictions) if len(predictions.y_true) > 1 else None


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
    matching = METRICS.get(key)
    if matching is None:
        others = [alias for alias, metric in ALIASES.items() if metric in of_task]
        raise StepError(f"there is no metric {name!r}; for {task} {build_suggestion(key, [*of_task, *others])}")
    if matching.task != task:
        raise StepError(f"{key} is a metric for {matching.task}, and this is {task}: {', '.join(of_task)}")
    return matching


def compute_predictions(
    model: Any, frame: Any, y_true: Any, *, positive: Any, metric: Metric | None = None
) -> Predictions:
    """Predict with a fitted model all that the metrics, or one metric, need.

    Runs in one thread, because several threads would sum the votes of a forest in varying order.
    """
    from joblib import parallel_config

    classes = tuple(np.asarray(model.classes_).tolist()) if hasattr(model, "classes_") else ()
    probabilities = decisions = None
    with parallel_config(backend="sequential"):
        model, frame = _prepare_rows(model, frame)
        y_pred = model.predict(frame)
        if metric is not None and not metric.of_probabilities:
            return Predictions(np.asarray(y_true), y_pred, classes, positive)
        if classes and hasattr(model, "predict_proba"):
            probabilities = model.predict_proba(frame)
        elif classes and hasattr(model, "decision_function"):
            decisions = model.decision_function(frame)
    return Predictions(np.asarray(y_true), y_pred, classes, positive, probabilities, decisions)


def _prepare_rows(model: Any, frame: Any) -> tuple[Any, Any]:
    """The estimator of a pipeline and the prepared rows, so that rows are prepared only once."""
    from sklearn.pipeline import Pipeline

    if not isinstance(model, Pipeline) or len(model) == 1:
        return model, frame
    return model[-1], model[:-1].transform(frame)


def score_all(task: str, predictions: Predictions, *, select_rows: str | None = None) -> dict[str, float | None]:
    """All metrics of the task, or one. Values that are not finite are None."""
    predictions = _with_codes(predictions)
    of_task = [metric for metric in METRICS.values() if metric.task == task and select_rows in (None, metric.name)]
    if np.asarray(predictions.y_pred).dtype.kind == "f" and not np.isfinite(predictions.y_pred).all():
        return {metric.name: None for metric in of_task}
    with np.errstate(over="ignore", invalid="ignore"):
        return {metric.name: _finite(metric.score(predictions)) for metric in of_task}


def score(metric: Metric, predictions: Predictions) -> float | None:
    """The value of one metric."""
    return score_all(metric.task, predictions, select_rows=metric.name)[metric.name]


def _finite(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None


def _with_codes(predictions: Predictions) -> Predictions:
    """The predictions with text labels replaced by their positions among all labels, which scikit-learn compares
    faster.
    """
    y_true, y_pred = np.asarray(predictions.y_true), np.asarray(predictions.y_pred)
    if y_true.dtype != object or y_pred.dtype != object or not predictions.classes:
        return predictions
    import pandas as pd

    positive = () if predictions.positive is None else (predictions.positive,)
    labels = sorted({*predictions.classes, *positive, *pd.unique(y_true), *pd.unique(y_pred)})
    index = pd.Index(labels, dtype=object)
    return replace(
        predictions,
        y_true=index.get_indexer(y_true),
        y_pred=index.get_indexer(y_pred),
        classes=tuple(index.get_indexer(list(predictions.classes)).tolist()),
        positive=None if predictions.positive is None else labels.index(predictions.positive),
    )
