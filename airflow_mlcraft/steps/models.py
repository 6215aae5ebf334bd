"""Models that other steps have made: the folder, its card, and the model itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.steps import inputs
from airflow_mlcraft.tracking import own_process, pyfunc_model
from airflow_mlcraft.tracking.model_folder import MODEL


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
    if (process := card.get(own_process.KEY)) is None:
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
