"""Which rows of the source the rows of a processed frame are, and their hashes.

A row is told by what its source says of it, so that a change of processor.py neither moves it to another side of the
split nor makes it a row that today's champion has not learned.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlcraft.ml.row_hash import key_hashes, row_hashes

if TYPE_CHECKING:
    import pandas as pd

ID, SOURCE, PROCESSED = "id", "source", "processed"


def numbered(frame: pd.DataFrame) -> pd.DataFrame:
    """The same frame with an index of numbers that is no range: filters and sorts keep it, a new index is a range."""
    import pandas as pd

    return frame.set_axis(pd.Index(np.arange(len(frame))), axis=0)


def places_of(made: pd.DataFrame, rows: int) -> Any:
    """The place of each row in the `numbered` frame that it was made from, or None where that cannot be told."""
    import pandas as pd

    index = made.index
    if isinstance(index, pd.RangeIndex) or index.dtype != np.int64 or not index.is_unique:
        return None
    places = index.to_numpy()
    return places if places.min() >= 0 and places.max() < rows else None


def hashes_of_source(source: pd.DataFrame, column: str | None) -> tuple[Any, dict[str, Any]]:
    """The hash of each row, by its id or by all of its columns, and which of the two it is."""
    if column is not None and column in source.columns and not source[column].isna().any():
        return key_hashes(source[column]), {"by": ID, "column": column}
    return row_hashes(source), {"by": SOURCE, "columns": sorted(map(str, source.columns))}


def hashes_of_processed(made: pd.DataFrame, column: str | None, code: Path) -> tuple[Any, dict[str, Any]]:
    """The same for rows that are not rows of the source, such as sums of several."""
    if column is not None and column in made.columns and not made[column].isna().any():
        return key_hashes(made[column]), {"by": ID, "column": column}
    digest = hashlib.sha256(code.read_bytes()).hexdigest()[:16]
    return row_hashes(made), {"by": PROCESSED, "code": digest, "columns": sorted(map(str, made.columns))}


def are_comparable(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether hashes of two definitions tell the same rows by the same numbers."""
    return dict(one) == dict(other)
