"""Choice of a recipe from the training part: the kind of each column, and the columns that are left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from airflow_mlcraft.common.did_you_mean import build_suggestion
from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml import columns as kinds
from airflow_mlcraft.ml.category_encodings import choose_encodings
from airflow_mlcraft.ml.column_kinds import KindOptions, describe_ambiguous, detect_kind, is_identifier
from airflow_mlcraft.ml.metrics import CLASSIFICATION, REGRESSION
from airflow_mlcraft.ml.recipe import Column, Recipe
from airflow_mlcraft.ml.target import (
    check_classes,
    check_target,
    detect_label_kind,
    detect_task,
    to_labels,
    to_regression_target,
)

if TYPE_CHECKING:
    from airflow_mlcraft.ml.data.table_on_disk import ColumnTable
    from airflow_mlcraft.ml.split import Split

IMPUTE = ("median", "mean", "most_frequent", "zero")
SCALE = ("standard", "minmax", "robust", "none")
_MIN_CATEGORIES = 20
_MAX_LISTED = 3


@dataclass(frozen=True)
class RecipeOptions:
    """The user's options of preparation."""

    prediction: str | None = None
    positive: str | None = None
    impute: str = "median"
    scale: str = "standard"
    max_categories: int | None = None
    """Most columns that the categories of one column become; if set, nothing is target encoded."""
    kinds: KindOptions = field(default_factory=KindOptions)
    impute_of: Mapping[str, str] = field(default_factory=dict)
    """Imputation of single columns; the others follow `impute`."""


def choose_recipe(train: ColumnTable, target: str, split: Split, options: RecipeOptions) -> Recipe:
    """Choose the recipe for these training rows."""
    if options.max_categories is not None and options.max_categories < 2:  # noqa: PLR2004
        raise StepError(f"--max-categories is {options.max_categories}; expected 2 or more")
    imputed = [("impute", value, IMPUTE) for value in (options.impute, *options.impute_of.values())]
    for option, value, known in (*imputed, ("scale", options.scale, SCALE)):
        if value not in known:
            raise StepError(f"--{option} is {value!r}; expected one of {', '.join(known)}")
    check_target(train, target)
    options.kinds.check(list(train.columns))
    if unknown := [name for name in options.impute_of if name not in train.columns]:
        raise StepError(
            f"--impute: the data has no column {unknown[0]!r}; {build_suggestion(unknown[0], list(train.columns))}"
        )
    values = train[target]
    task = options.prediction or detect_task(values)
    found = _target(values, task, options.positive)
    grouped = split.column if split.by == "group" else None
    used: list[Column] = []
    dropped: list[Mapping[str, str]] = []
    notes: list[str] = []
    ambiguous: dict[str, Mapping[str, str]] = {}
    for name in train.columns:
        if name in (target, grouped):
            continue
        column = _column(train[name], options, notes, ambiguous)
        if isinstance(column, Column):
            used.append(column)
        else:
            dropped.append({"name": name, "why": column})
    if not used:
        reasons = "; ".join(f"{one['name']}: {one['why']}" for one in dropped[:_MAX_LISTED])
        raise StepError(f"no column is left to predict {target!r} from{f' ({reasons})' if reasons else ''}")
    counts = {column.name: column.categories for column in used if column.kind == kinds.CATEGORY}
    encoded = choose_encodings(tuple(used), counts, len(train), options.max_categories)
    return Recipe(
        task=task,
        target=target,
        columns=encoded.columns,
        max_categories=encoded.most,
        split=split.to_json(),
        dropped=tuple(dropped),
        notes=(*notes, *encoded.notes),
        ambiguous_dates=ambiguous,
        **found,
    )


def _target(values: pd.Series, task: str, positive: str | None) -> dict[str, Any]:
    if task == REGRESSION:
        to_regression_target(values)
        return {}
    if task != CLASSIFICATION:
        raise StepError(f"--prediction is {task!r}; expected {CLASSIFICATION} or {REGRESSION}")
    kind = detect_label_kind(values)
    found = to_labels(values, kind)
    check_classes(found, str(values.name))
    classes = np.unique(found).tolist()
    chosen = classes[1] if len(classes) == 2 else None  # noqa: PLR2004
    if positive is not None:
        matching = [one for one in classes if str(one).lower() == positive.strip().lower()]
        if not matching or chosen is None:
            raise StepError(f"--positive {positive}: expected one of two classes, and the classes are {classes}")
        chosen = matching[0]
    return {"classes": tuple(classes), "labels": kind, "positive": chosen}


def _column(
    values: pd.Series, options: RecipeOptions, notes: list[str], ambiguous: dict[str, Mapping[str, str]]
) -> Column | str:
    """The column of the recipe, or the reason why it is left out."""
    present = values.dropna()
    if odd := _reason_unusable(present) or _reason_identifier(present, options):
        return odd
    found = detect_kind(present, options.kinds)
    kind, converted = found.name, kinds.to_kind(values, found.name, found.format)
    nullable = bool(converted.isna().any())
    if odd := _reason_without_information(converted, kind, nullable):
        return odd
    if found.note:
        notes.append(found.note)
    name = str(values.name)
    if found.month_first:
        ambiguous[name] = describe_ambiguous(present, found)
    if kind in (kinds.TEXT, kinds.BOOLEAN):
        return Column(name, kind, "constant" if kind == kinds.TEXT else "most_frequent", nullable=nullable)
    if kind == kinds.CATEGORY:
        count = int(converted.nunique()) + nullable
        return Column(name, kind, "constant", options.scale, nullable, categories=count)
    impute = options.impute_of.get(name, options.impute) if kind == kinds.NUMBER else "median"
    integer = kind == kinds.NUMBER and bool((rest := converted.dropna()).eq(rest.round()).all())
    return Column(name, kind, impute, options.scale, nullable, integer, format=found.format)


def _reason_without_information(converted: pd.Series, kind: str, nullable: bool) -> str:
    count, present = converted.nunique(), converted.notna().sum()
    if count == 0:
        return "has no usable values"
    if count == 1 and not nullable:
        return "has one value only"
    if kind == kinds.CATEGORY and count > max(_MIN_CATEGORIES, present / 2):
        return f"is text with {count} different values in {present} rows"
    return ""


def _reason_identifier(values: pd.Series, options: RecipeOptions) -> str:
    if str(values.name) in options.kinds.types or not is_identifier(values):
        return ""
    return f"is an identifier: each of the {len(values)} rows has another"


def _reason_unusable(values: pd.Series) -> str:
    if values.empty:
        return "has no values"
    if values.dtype.kind == "c":
        return "holds complex numbers"
    if values.dtype != object:
        return ""
    odd = next((value for value in values if not pd.api.types.is_scalar(value)), None)
    return "" if odd is None else f"holds values of type {type(odd).__name__}"
