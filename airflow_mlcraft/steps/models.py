"""model.json beside a model: what it is, what it reads, what it gives, how good it was."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml import columns as kinds
from airflow_mlcraft.ml.baseline import target_summary
from airflow_mlcraft.ml.fit import Fitted
from airflow_mlcraft.ml.numbered_classes import inner
from airflow_mlcraft.steps import inputs
from airflow_mlcraft.steps.learned_rows import split_of_part
from airflow_mlcraft.steps.model_options import ModelWork
from airflow_mlcraft.tracking import pyfunc_model, user_process
from airflow_mlcraft.tracking.model_folder import CODE, MODEL
from airflow_mlcraft.tracking.user_process import KEY

if TYPE_CHECKING:
    import pandas as pd

    from airflow_mlcraft.ml.recipe import Column, Recipe


VERSION = 1
_LISTED = 50


def model_card(work: ModelWork, params: dict[str, Any], fitted: Fitted) -> dict[str, Any]:
    """In the form of model.json."""
    recipe = work.recipe
    estimator = inner(fitted.model[-1])
    features = recipe.typed(work.train)
    return {
        "version": VERSION,
        "name": work.name,
        "class": f"{type(estimator).__module__}.{type(estimator).__qualname__}",
        "params": params,
        "task": recipe.task,
        "target": recipe.target,
        "classes": list(recipe.classes),
        "positive": recipe.positive,
        "labels": recipe.labels,
        "features": [_feature(column, features[column.name]) for column in recipe.columns],
        "metric": work.metric.name,
        "cv": fitted.cv,
        "train": fitted.train,
        "rows": len(work.train),
        "seed": work.seed,
        "folds": work.folds,
        "recipe": recipe.hash(),
        "notes": list(recipe.notes),
        "dropped": [dict(one) for one in recipe.dropped],
        **_process(recipe),
        "split": split_of_part(recipe, work.train),
        "target_values": target_summary(recipe.task, recipe.truth(work.train), recipe.classes),
        **({"threshold": fitted.threshold} if fitted.threshold else {}),
    }


def _process(recipe: Recipe) -> dict[str, Any]:
    """The user's own code that prepares rows; its source is a file of the model."""
    if recipe.process is None:
        return {}
    described = {name: value for name, value in recipe.process.items() if name != "source"}
    return {KEY: {**described, "path": f"{CODE}/{recipe.process['file']}"}}


def _feature(column: Column, values: pd.Series) -> dict[str, Any]:
    """Name, kind, type, whether it may be missing, and which values training has seen."""
    found: dict[str, Any] = {
        "name": column.name,
        "kind": column.kind,
        "type": str(values.dtype),
        "nullable": column.nullable,
        **({"format": column.format} if column.format else {}),
    }
    there = values.dropna()
    if column.kind == kinds.NUMBER:
        found |= {"integer": column.integer, "min": float(there.min()), "max": float(there.max())}
        found |= {"median": float(there.median())}
    elif column.kind == kinds.DATE:
        found |= {"min": there.min().isoformat(), "max": there.max().isoformat()}
    elif column.kind == kinds.CATEGORY:
        counts = there.value_counts()
        ordered = sorted(counts.index, key=lambda name: (-counts[name], name))
        found |= {"categories": ordered[:_LISTED], "distinct": len(ordered)}
    return found


@dataclass(frozen=True)
class KeptModel:
    """A model folder that was read."""

    folder: Path
    card: dict[str, Any]
    model: Any

    @property
    def name(self) -> str:
        """As it was trained under."""
        return str(self.card["name"])


def card_name(folder: Path) -> str:
    """The name in the model.json of a folder; the folder's own where it has none."""
    try:
        return str(json.loads((folder / "model.json").read_text("utf-8"))["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return folder.name


def inputs_of(card: dict[str, Any]) -> list[dict[str, Any]]:
    """Name and kind of the columns that rows to predict for have."""
    if (process := card.get(user_process.KEY)) is None:
        return list(card.get("features", []))
    return [column for column in process["columns"] if column["needed"]]


def kept_model(folder: Path, name: str, option: str) -> KeptModel:
    """The model in a folder that an option names, for rows as `process` has made them."""
    path = inputs.model_folder(folder, name, option)
    try:
        card = json.loads((path / "model.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise StepError(f"--{option}: {name} has no model.json that can be read ({error}); make it by train") from None
    if not isinstance(card, dict) or "task" not in card or "name" not in card:
        raise StepError(f"--{option}: the model.json of {name} does not say what the model is; make it by train")
    return KeptModel(path, card, pyfunc_model.load(path / MODEL))
