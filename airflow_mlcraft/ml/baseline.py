"""The baseline: the most frequent class, or the mean, for every row. What no model beats has learned nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from airflow_mlcraft.ml.class_balance import count_classes
from airflow_mlcraft.ml.metrics import CLASSIFICATION, Answers

BASELINE = "baseline"
_DUMMIES = ("sklearn.dummy.",)


def summarize_target(task: str, truth: Any, classes: Sequence[Any]) -> dict[str, Any]:
    """Summary of the training target for the baseline: the number of rows of each class, or the mean."""
    values = np.asarray(truth)
    if task != CLASSIFICATION:
        return {"mean": float(values.mean())}
    counts = count_classes(values)
    return {"counts": [counts.get(label, 0) for label in classes]}


def baseline_answers(
    task: str, summary: Mapping[str, Any], truth: Any, classes: Sequence[Any], positive: Any
) -> Answers:
    """Answers of the baseline, equal to those of scikit-learn's dummies: the prior of the classes, or the mean."""
    known = np.asarray(truth)
    if task != CLASSIFICATION:
        return Answers(known, np.full(len(known), float(summary["mean"])))
    counts = np.asarray(summary["counts"], dtype=np.float64)
    most = classes[int(counts.argmax())]
    predictions = np.full(len(known), most, dtype=known.dtype)
    return Answers(known, predictions, tuple(classes), positive, np.tile(counts / counts.sum(), (len(known), 1)))


def is_baseline(path: str) -> bool:
    """Whether a class is one of scikit-learn's dummies."""
    return path.startswith(_DUMMIES)
