"""Which rows a model has learned: their hashes beside the model, and which test rows another model may be judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlcraft.ml.row_hash import ROW_HASH, are_comparable, kept_row_hashes, key_hashes

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from airflow_mlcraft.ml.recipe import Recipe
    from airflow_mlcraft.steps.data_file import DataFile
    from airflow_mlcraft.steps.models import KeptModel

ROWS, GROUPS = "training_rows.npy", "training_groups.npy"
FEWEST = 30
"""A comparison on fewer rows than this, where the test part has more, says nothing."""
_SHARED = 0.5
"""If this share of the champion's rows is found again, its hashes and those of today are of one kind."""
_PART = "part"


@dataclass(frozen=True)
class Unseen:
    """The test rows that a champion has not learned, or why that is not known."""

    rows: NDArray[np.bool_]
    reason: str = ""

    @property
    def learned(self) -> int:
        """Test rows that it has learned."""
        return int((~self.rows).sum())


def split_of_part(recipe: Recipe, train: pd.DataFrame) -> dict[str, Any]:
    """How the rows were cut and what their hashes are of, for model.json."""
    if ROW_HASH in train.columns:
        return dict(recipe.split)
    return {**recipe.split, "rows": {"by": _PART, "columns": sorted(map(str, train.columns))}}


def write_learned_rows(folder: Path, recipe: Recipe, train: pd.DataFrame) -> None:
    """Sorted hashes, 8 bytes a row; and those of the groups where rows stay together in groups."""
    np.save(folder / ROWS, np.unique(kept_row_hashes(train)), allow_pickle=False)
    if recipe.group is not None and recipe.group in train.columns:
        np.save(folder / GROUPS, np.unique(key_hashes(train[recipe.group])), allow_pickle=False)


def unseen_rows(test: DataFile, new: KeptModel, champion: KeptModel) -> Unseen:
    """The test rows of `new` that the champion has not learned."""
    unknown = np.zeros(len(test), dtype=bool)
    learned = _load(champion.folder / ROWS)
    if learned is None:
        return Unseen(unknown, "it does not say which rows it has learned, as models of earlier versions do not")
    hashes = test.row_hashes()
    then, now = _split(champion), _split(new)
    if not are_comparable(then.get("rows", {}), now.get("rows", {})):
        today = np.concatenate([hashes, _none_if_missing(_load(new.folder / ROWS))])
        if np.isin(learned, today).mean() < _SHARED:
            return Unseen(
                unknown,
                f"its rows are told apart by {_words(then.get('rows', {}))}, and those of today by "
                f"{_words(now.get('rows', {}))}, so which of the test rows it has learned is not known; "
                "an --id tells rows apart whatever their columns are",
            )
    rows = ~np.isin(hashes, learned)
    if now.get("by") == "group":
        groups = _load(champion.folder / GROUPS)
        if groups is None or then.get("column") != now.get("column"):
            return Unseen(
                unknown, f"it was not trained by groups of {now.get('column')!r}, whose rows it may have learned"
            )
        column = str(now["column"])
        rows &= ~np.isin(key_hashes(test.select([column])[column]), groups)
    return Unseen(rows)


def _split(kept: KeptModel) -> Mapping[str, Any]:
    found = kept.card.get("split")
    return found if isinstance(found, Mapping) else {}


def _load(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError):
        return None


def _none_if_missing(values: Any) -> Any:
    return np.zeros(0, dtype=np.uint64) if values is None else values


def _words(rows: Mapping[str, Any]) -> str:
    if rows.get("by") == "id":
        return f"their {rows.get('column')}"
    count = len(rows.get("columns", ()))
    return f"their {count} columns" + (" as a processor.py made them" if rows.get("by") == "processed" else "")
