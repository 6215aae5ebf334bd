"""Rows that stay in their file: batches of them, single columns, and rows at some places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlcraft.steps import inputs

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True)
class DataFile:
    """The rows of a file, or some of them. `head` has the first row, `mask` which of the file's rows these are."""

    folder: Path
    name: str
    option: str
    rows: int
    head: pd.DataFrame
    mask: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return self.rows

    @property
    def columns(self) -> list[str]:
        """Names of all columns."""
        return list(self.head.columns)

    def only(self, mask: NDArray[np.bool_]) -> DataFile:
        """Those rows for which the mask is true."""
        return replace(self, rows=int(mask.sum()), mask=mask)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
        """Frames of rows in their order, with all columns or these; the index says the place of a row in the file."""
        import pandas as pd

        start = 0
        for frame in inputs.batches(self.folder, self.name, self.option, columns):
            stop = start + len(frame)
            frame.index = pd.RangeIndex(start, stop)
            yield frame if self.mask is None else frame[self.mask[start:stop]]
            start = stop

    def select(self, columns: Sequence[str]) -> pd.DataFrame:
        """A frame of all rows, with these columns as far as they are there."""
        import pandas as pd

        return pd.concat([frame for frame in self.batches(columns) if len(frame)], ignore_index=True)

    def take(self, places: NDArray[np.intp]) -> pd.DataFrame:
        """The rows at these places, which are sorted."""
        import pandas as pd

        found, start = [], 0
        for frame in self.batches():
            stop = start + len(frame)
            low, high = np.searchsorted(places, (start, stop))
            if low < high:
                found.append(frame.iloc[places[low:high] - start])
            start = stop
        return pd.concat(found)

    def row_hashes(self) -> Any:
        """What tells the rows apart: as `process` has kept it, or by their content."""
        from airflow_mlcraft.ml.row_hash import ROW_HASH, kept_row_hashes

        columns = [ROW_HASH] if ROW_HASH in self.columns else None
        return np.concatenate([kept_row_hashes(frame) for frame in self.batches(columns)])


def data_file(folder: Path, name: str, option: str) -> DataFile:
    """The data in the file that an option names, which has rows."""
    head = next(inputs.batches(folder, name, option)).head(1)
    rows = sum(len(frame) for frame in inputs.batches(folder, name, option, [head.columns[0]]))
    return DataFile(folder, name, option, rows, head)
