"""Hashes of a model's training rows beside the model, and the test rows that a champion was not trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlcraft.ml.row_hash import ROW_HASH, are_comparable, key_hashes, stored_row_hashes

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from airflow_mlcraft.ml.recipe import Recipe
    from airflow_mlcraft.steps.data_file import DataFile
    from airflow_mlcraft.steps.models import StoredModel

ROWS, GROUPS = "training_rows.npy", "training_groups.npy"
MIN_COMPARED_ROWS = 30
"""A champion is not compared on fewer rows than this if the test part has more."""
_MIN_SHARED = 0.5
"""If this share of the champion's hashes is found again, they are comparable with those of today."""
_PART = "part"


@dataclass(frozen=True)
class UnseenRows:
    """A mask of the test rows that a champion was not trained on, or the reason why they are unknown."""

    rows: NDArray[np.bool_]
    reason: str = ""

    @property
    def learned(self) -> int:
        """Number of test rows that it was trained on."""
        return int((~self.rows).sum())


def describe_split(recipe: Recipe, train: pd.DataFrame) -> dict[str, Any]:
    """How the rows were split and what was hashed of them, for model.json."""
    if ROW_HASH in train.columns:
        return dict(recipe.split)
    return {**recipe.split, "rows": {"by": _PART, "columns": sorted(map(str, train.columns))}}


def write_learned_rows(folder: Path, recipe: Recipe, train: pd.DataFrame) -> None:
    """Write the sorted hashes of the training rows, and of their groups if rows are split by group."""
    np.save(folder / ROWS, np.unique(stored_row_hashes(train)), allow_pickle=False)
    if recipe.group is not None and recipe.group in train.columns:
        np.save(folder / GROUPS, np.unique(key_hashes(train[recipe.group])), allow_pickle=False)


def find_unseen_rows(test: DataFile, new: StoredModel, champion: StoredModel) -> UnseenRows:
    """Find the test rows of `new` that the champion was not trained on."""
    no_rows = np.zeros(len(test), dtype=bool)
    learned = _load(champion.folder / ROWS)
    if learned is None:
        return UnseenRows(no_rows, "it does not say which rows it has learned, as models of earlier versions do not")
    hashes = test.row_hashes()
    champion_split, new_split = _split(champion), _split(new)
    if not are_comparable(champion_split.get("rows", {}), new_split.get("rows", {})):
        known_hashes = np.concatenate([hashes, _empty_if_none(_load(new.folder / ROWS))])
        if np.isin(learned, known_hashes).mean() < _MIN_SHARED:
            return UnseenRows(
                no_rows,
                f"its rows are told apart by {_describe_rows(champion_split.get('rows', {}))}, and those of today by "
                f"{_describe_rows(new_split.get('rows', {}))}, so which of the test rows it has learned is not known; "
                "an --id tells rows apart whatever their columns are",
            )
    rows = ~np.isin(hashes, learned)
    if new_split.get("by") == "group":
        groups = _load(champion.folder / GROUPS)
        if groups is None or champion_split.get("column") != new_split.get("column"):
            return UnseenRows(
                no_rows, f"it was not trained by groups of {new_split.get('column')!r}, whose rows it may have learned"
            )
        column = str(new_split["column"])
        rows &= ~np.isin(key_hashes(test.read_columns([column])[column]), groups)
    return UnseenRows(rows)


def _split(stored: StoredModel) -> Mapping[str, Any]:
    found = stored.card.get("split")
    return found if isinstance(found, Mapping) else {}


def _load(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError):
        return None


def _empty_if_none(values: Any) -> Any:
    return np.zeros(0, dtype=np.uint64) if values is None else values


def _describe_rows(rows: Mapping[str, Any]) -> str:
    if rows.get("by") == "id":
        return f"their {rows.get('column')}"
    count = len(rows.get("columns", ()))
    return f"their {count} columns" + (" as a processor.py made them" if rows.get("by") == "processed" else "")
