"""Decide a recipe by looking at the training part: the kind of each column, and which are of no use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from airflow_mlcraft.common.did_you_mean import suggestion
from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml import columns as kinds
from airflow_mlcraft.ml.category_encodings import choose_encodings
from airflow_mlcraft.ml.column_kinds import KindWishes, as_ambiguous, kind_of, says_identifier
from airflow_mlcraft.ml.metrics import CLASSIFICATION, REGRESSION
from airflow_mlcraft.ml.recipe import Column, Recipe
from airflow_mlcraft.ml.target import check_classes, check_target, labels, labels_kind, regression_target, task_of

if TYPE_CHECKING:
    from airflow_mlcraft.ml.data.table_on_disk import ColumnTable
    from airflow_mlcraft.ml.split import Split

IMPUTE = ("median", "mean", "most_frequent", "zero")
SCALE = ("standard", "minmax", "robust", "none")
_MANY = 20
_SHOWN = 3


@dataclass(frozen=True)
class Wishes:
    """What the user says about preparation."""

    prediction: str | None = None
    positive: str | None = None
    impute: str = "median"
    scale: str = "standard"
    max_categories: int | None = None
    """So many columns for the categories of one column, and no target encoding."""
    kinds: KindWishes = field(default_factory=KindWishes)
    impute_of: Mapping[str, str] = field(default_factory=dict)
    """How the gaps of single columns are filled; the others follow `impute`."""


def decide(train: ColumnTable, target: str, how: Split, wishes: Wishes) -> Recipe:
    """The recipe for these training rows."""
    if wishes.max_categories is not None and wishes.max_categories < 2:  # noqa: PLR2004
        raise StepError(f"--max-categories is {wishes.max_categories}; expected 2 or more")
    imputed = [("impute", given, IMPUTE) for given in (wishes.impute, *wishes.impute_of.values())]
    for option, given, known in (*imputed, ("scale", wishes.scale, SCALE)):
        if given not in known:
            raise StepError(f"--{option} is {given!r}; expected one of {', '.join(known)}")
    check_target(train, target)
    wishes.kinds.check(list(train.columns))
    if unknown := [name for name in wishes.impute_of if name not in train.columns]:
        raise StepError(
            f"--impute: the data has no column {unknown[0]!r}; {suggestion(unknown[0], list(train.columns))}"
        )
    values = train[target]
    task = wishes.prediction or task_of(values)
    found = _target(values, task, wishes.positive)
    grouped = how.column if how.by == "group" else None
    used: list[Column] = []
    dropped: list[Mapping[str, str]] = []
    notes: list[str] = []
    ambiguous: dict[str, Mapping[str, str]] = {}
    for name in train.columns:
        if name in (target, grouped):
            continue
        column = _column(train[name], wishes, notes, ambiguous)
        if isinstance(column, Column):
            used.append(column)
        else:
            dropped.append({"name": name, "why": column})
    if not used:
        said = "; ".join(f"{one['name']}: {one['why']}" for one in dropped[:_SHOWN])
        raise StepError(f"no column is left to predict {target!r} from{f' ({said})' if said else ''}")
    counts = {column.name: column.categories for column in used if column.kind == kinds.CATEGORY}
    encoded = choose_encodings(tuple(used), counts, len(train), wishes.max_categories)
    return Recipe(
        task=task,
        target=target,
        columns=encoded.columns,
        max_categories=encoded.most,
        split=how.to_json(),
        dropped=tuple(dropped),
        notes=(*notes, *encoded.notes),
        ambiguous_dates=ambiguous,
        **found,
    )


def _target(values: pd.Series, task: str, positive: str | None) -> dict[str, Any]:
    if task == REGRESSION:
        regression_target(values)
        return {}
    if task != CLASSIFICATION:
        raise StepError(f"--prediction is {task!r}; expected {CLASSIFICATION} or {REGRESSION}")
    kind = labels_kind(values)
    found = labels(values, kind)
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
    values: pd.Series, wishes: Wishes, notes: list[str], ambiguous: dict[str, Mapping[str, str]]
) -> Column | str:
    """What to do with a column, or why it is of no use."""
    there = values.dropna()
    if odd := _unusable(there) or _identifier(there, wishes):
        return odd
    found = kind_of(there, wishes.kinds)
    kind, made = found.name, kinds.as_kind(values, found.name, found.format)
    nullable = bool(made.isna().any())
    if odd := _useless(made, kind, nullable):
        return odd
    if found.note:
        notes.append(found.note)
    name = str(values.name)
    if found.month_first:
        ambiguous[name] = as_ambiguous(there, found)
    if kind in (kinds.TEXT, kinds.BOOLEAN):
        return Column(name, kind, "constant" if kind == kinds.TEXT else "most_frequent", nullable=nullable)
    if kind == kinds.CATEGORY:
        count = int(made.nunique()) + nullable
        return Column(name, kind, "constant", wishes.scale, nullable, categories=count)
    impute = wishes.impute_of.get(name, wishes.impute) if kind == kinds.NUMBER else "median"
    whole = kind == kinds.NUMBER and bool((rest := made.dropna()).eq(rest.round()).all())
    return Column(name, kind, impute, wishes.scale, nullable, whole, format=found.format)


def _useless(made: pd.Series, kind: str, nullable: bool) -> str:
    count, there = made.nunique(), made.notna().sum()
    if count == 0:
        return "has no usable values"
    if count == 1 and not nullable:
        return "has one value only"
    if kind == kinds.CATEGORY and count > max(_MANY, there / 2):
        return f"is text with {count} different values in {there} rows"
    return ""


def _identifier(values: pd.Series, wishes: Wishes) -> str:
    if str(values.name) in wishes.kinds.types or not says_identifier(values):
        return ""
    return f"is an identifier: each of the {len(values)} rows has another"


def _unusable(values: pd.Series) -> str:
    if values.empty:
        return "has no values"
    if values.dtype.kind == "c":
        return "holds complex numbers"
    if values.dtype != object:
        return ""
    odd = next((value for value in values if not pd.api.types.is_scalar(value)), None)
    return "" if odd is None else f"holds values of type {type(odd).__name__}"
