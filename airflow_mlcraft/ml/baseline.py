"""The baseline: the most frequent class, or the mean, for every row. A useful model has to beat it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from airflow_mlcraft.ml.class_balance import count_classes
from airflow_mlcraft.ml.metrics import CLASSIFICATION, Predictions

BASELINE = "baseline"
_DUMMIES = ("sklearn.dummy.",)


def summarize_target(task: str, truth: Any, classes: Sequence[Any]) -> dict[str, Any]:
    """Summary of the training target for the baseline: the number of rows of each class, or the mean."""
    values = np.asarray(truth)
    if task != CLASSIFICATION:
        return {"mean": float(values.mean())}
    counts = count_classes(values)
    return {"counts": [counts.get(label, 0) for label in classes]}


def predict_baseline(
    task: str, summary: Mapping[str, Any], truth: Any, classes: Sequence[Any], positive: Any
) -> Predictions:
    """Predictions of the baseline, equal to those of scikit-learn's dummies: the prior of the classes, or the mean."""
    y_true = np.asarray(truth)
    if task != CLASSIFICATION:
        return Predictions(y_true, np.full(len(y_true), float(summary["mean"])))
    counts = np.asarray(summary["counts"], dtype=np.float64)
    most = classes[int(counts.argmax())]
    y_pred = np.full(len(y_true), most, dtype=y_true.dtype)
    return Predictions(y_true, y_pred, tuple(classes), positive, np.tile(counts / counts.sum(), (len(y_true), 1)))


def is_baseline(path: str) -> bool:
    """Whether a class is one of scikit-learn's dummies."""
    return path.startswith(_DUMMIES)
