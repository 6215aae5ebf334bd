"""The target: its task, and its values in one plain type."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from airflow_mlcraft.common.did_you_mean import build_suggestion
from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.columns import is_text
from airflow_mlcraft.ml.metrics import CLASSIFICATION, REGRESSION

if TYPE_CHECKING:
    from airflow_mlcraft.ml.data.table_on_disk import ColumnTable

INTEGER, TEXT, BOOLEAN = "integer", "text", "boolean"
_MAX_CLASSES = 20
_MAX_LISTED = 3


def check_target(frame: ColumnTable, target: str) -> None:
    """Raise an error if the target is not in the data, or has missing values."""
    if target not in frame.columns:
        raise StepError(
            f"the data has no column {target!r} to predict; {build_suggestion(target, list(frame.columns))}"
        )
    missing = frame[target].isna().to_numpy()
    if missing.any():
        first = int(np.flatnonzero(missing)[0]) + 1
        raise StepError(
            f"the target {target!r} is missing in {int(missing.sum())} of {len(frame)} rows, first in row {first}; "
            "fill them in or leave them out, for instance in clean_table() of processor.py"
        )


def detect_task(values: pd.Series) -> str:
    """Detect the task: regression for targets with many numbers, otherwise classification."""
    if values.dtype.kind in "iuf":
        whole = bool((numeric := values.astype("float64")).eq(numeric.round()).all())
        return (
            CLASSIFICATION if whole and values.nunique() <= min(_MAX_CLASSES, max(2, len(values) // 3)) else REGRESSION
        )
    return CLASSIFICATION


def to_regression_target(values: pd.Series) -> Any:
    """The target of a regression as floats."""
    found = pd.to_numeric(values, errors="coerce").astype("float64") if values.dtype.kind != "M" else None
    if found is None or not np.isfinite(found).all():
        odd = values.head(_MAX_LISTED) if found is None else values[~np.isfinite(found)].head(_MAX_LISTED)
        raise StepError(
            f"the target {values.name!r} is to be predicted as a number, but has values such as "
            f"{', '.join(repr(str(value)) for value in odd)}; expected numbers, or --prediction classification"
        )
    return found.to_numpy()


def detect_label_kind(values: pd.Series) -> str:
    """Detect the kind of class labels: whole numbers, truth values or text."""
    if values.dtype == bool:
        return BOOLEAN
    return INTEGER if all(_integer(value) is not None for value in values.unique()) else TEXT


def to_labels(values: pd.Series, kind: str) -> Any:
    """Class labels converted to a kind; all become text if one cannot be converted."""
    if kind == BOOLEAN and values.dtype == bool:
        return values.to_numpy()
    if kind == INTEGER:
        if values.dtype.kind == "i":
            return values.to_numpy("int64")
        found = values.map(_integer)
        if found.notna().all():
            return found.to_numpy("int64")
    if not is_text(values):
        return np.asarray([_label(value) for value in values], dtype=object)
    codes, different = pd.factorize(values)
    return np.asarray([_label(value) for value in different], dtype=object)[codes]


def check_classes(labels: Any, target: str) -> None:
    """Raise an error for one class only, or for nearly as many classes as rows."""
    classes = np.unique(labels)
    if len(classes) < 2:  # noqa: PLR2004
        raise StepError(
            f"the target {target!r} has one class only, {str(classes[0])!r}, in the {len(labels)} training rows; "
            "there is nothing to tell apart"
        )
    if len(classes) > _MAX_CLASSES and len(classes) > len(labels) / 2:
        raise StepError(
            f"the target {target!r} has {len(classes)} classes in {len(labels)} training rows; "
            "if it is a number, use --prediction regression"
        )


def to_target(frame: pd.DataFrame, target: str, task: str, kind: str, classes: Collection[Any]) -> Any:
    """The target in the form in which models learn it. Raises an error for a class that was not in training."""
    check_target(frame, target)
    if task == REGRESSION:
        return to_regression_target(frame[target])
    found = to_labels(frame[target], kind)
    unknown = sorted({str(value) for value in pd.unique(found)} - {str(one) for one in classes})
    if unknown:
        raise StepError(
            f"the target {target!r} has the class{'es' if len(unknown) > 1 else ''} "
            f"{', '.join(map(repr, unknown[:_MAX_LISTED]))}, which no training row has; "
            "split with --stratify, or leave it out"
        )
    return found


def _integer(value: Any) -> int | None:
    if isinstance(value, bool | np.bool_):
        return None
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return int(value)
    if isinstance(value, str):
        text = value.strip()
        return int(text) if text.lstrip("-").isdecimal() and str(int(text)) == text else None
    return None


def _label(value: Any) -> str:
    whole = _integer(value)
    return str(value) if whole is None else str(whole)
