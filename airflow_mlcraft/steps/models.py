"""Stored models: a model's folder with its estimator, and its card model.json with origin, columns and scores."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml import columns as kinds
from airflow_mlcraft.ml.baseline import summarize_target
from airflow_mlcraft.ml.fit import Fitted
from airflow_mlcraft.ml.numbered_classes import unwrap_estimator
from airflow_mlcraft.steps import inputs
from airflow_mlcraft.steps.learned_rows import describe_split
from airflow_mlcraft.steps.model_options import FitSettings
from airflow_mlcraft.tracking import pyfunc_model, user_process
from airflow_mlcraft.tracking.model_folder import CODE, MODEL
from airflow_mlcraft.tracking.user_process import KEY

if TYPE_CHECKING:
    import pandas as pd

    from airflow_mlcraft.ml.recipe import Column, Recipe


CARD_VERSION = 1
_MAX_CATEGORIES = 50


def build_model_card(work: FitSettings, params: dict[str, Any], fitted: Fitted) -> dict[str, Any]:
    """Build the content of model.json."""
    recipe = work.recipe
    estimator = unwrap_estimator(fitted.model[-1])
    features = recipe.typed(work.train)
    return {
        "version": CARD_VERSION,
        "name": work.name,
        "class": f"{type(estimator).__module__}.{type(estimator).__qualname__}",
        "params": params,
        "task": recipe.task,
        "target": recipe.target,
        "classes": list(recipe.classes),
        "positive": recipe.positive,
        "labels": recipe.labels,
        "features": [_describe_feature(column, features[column.name]) for column in recipe.columns],
        "metric": work.metric.name,
        "cv": fitted.cv,
        "train": fitted.train,
        "rows": len(work.train),
        "seed": work.seed,
        "folds": work.folds,
        "recipe": recipe.hash(),
        "notes": list(recipe.notes),
        "dropped": [dict(one) for one in recipe.dropped],
        **_process_entry(recipe),
        "split": describe_split(recipe, work.train),
        "target_values": summarize_target(recipe.task, recipe.truth(work.train), recipe.classes),
        **({"threshold": fitted.threshold} if fitted.threshold else {}),
    }


def _process_entry(recipe: Recipe) -> dict[str, Any]:
    """The user's process, without its source, which is a file of the model."""
    if recipe.process is None:
        return {}
    described = {name: value for name, value in recipe.process.items() if name != "source"}
    return {KEY: {**described, "path": f"{CODE}/{recipe.process['file']}"}}


def _describe_feature(column: Column, values: pd.Series) -> dict[str, Any]:
    """Name, kind and type of a column, whether it is nullable, and the range or categories of its training values."""
    description: dict[str, Any] = {
        "name": column.name,
        "kind": column.kind,
        "type": str(values.dtype),
        "nullable": column.nullable,
        **({"format": column.format} if column.format else {}),
    }
    present = values.dropna()
    if column.kind == kinds.NUMBER:
        description |= {"integer": column.integer, "min": float(present.min()), "max": float(present.max())}
        description |= {"median": float(present.median())}
    elif column.kind == kinds.DATE:
        description |= {"min": present.min().isoformat(), "max": present.max().isoformat()}
    elif column.kind == kinds.CATEGORY:
        counts = present.value_counts()
        ordered = sorted(counts.index, key=lambda name: (-counts[name], name))
        description |= {"categories": ordered[:_MAX_CATEGORIES], "distinct": len(ordered)}
    return description


@dataclass(frozen=True)
class StoredModel:
    """A model folder with its card and the loaded model."""

    folder: Path
    card: dict[str, Any]
    model: Any

    @property
    def name(self) -> str:
        """The name under which the model was trained."""
        return str(self.card["name"])


def card_name(folder: Path) -> str:
    """The name in the model.json of a folder; the folder's own name if there is none."""
    try:
        return str(json.loads((folder / "model.json").read_text("utf-8"))["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return folder.name


def input_columns(card: dict[str, Any]) -> list[dict[str, Any]]:
    """Name and kind of the columns that rows for prediction have."""
    if (process := card.get(user_process.KEY)) is None:
        return list(card.get("features", []))
    return [column for column in process["columns"] if column["needed"]]


def load_model(folder: Path, name: str, option: str) -> StoredModel:
    """Load the model from a folder that an option names. It takes rows as the user's `process` returns them."""
    path = inputs.model_folder(folder, name, option)
    try:
        card = json.loads((path / "model.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise StepError(f"--{option}: {name} has no model.json that can be read ({error}); make it by train") from None
    if not isinstance(card, dict) or "task" not in card or "name" not in card:
        raise StepError(f"--{option}: the model.json of {name} does not say what the model is; make it by train")
    return StoredModel(path, card, pyfunc_model.load(path / MODEL))
