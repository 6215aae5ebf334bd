"""Data file that is read piece by piece: batches of rows, single columns, and rows at given positions."""

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
    """The rows of a file, or those that `mask` selects. `head` is a frame with the first row."""

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

    def select_rows(self, mask: NDArray[np.bool_]) -> DataFile:
        """The same file with only the rows for which the mask is true."""
        return replace(self, rows=int(mask.sum()), mask=mask)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
        """Frames of rows in order, with all columns or these; the index is the position of a row in the file."""
        import pandas as pd

        start = 0
        for frame in inputs.batches(self.folder, self.name, self.option, columns):
            stop = start + len(frame)
            frame.index = pd.RangeIndex(start, stop)
            yield frame if self.mask is None else frame[self.mask[start:stop]]
            start = stop

    def read_columns(self, columns: Sequence[str]) -> pd.DataFrame:
        """A frame of all rows, with those of these columns that the file has."""
        import pandas as pd

        return pd.concat([frame for frame in self.batches(columns) if len(frame)], ignore_index=True)

    def take(self, positions: NDArray[np.intp]) -> pd.DataFrame:
        """The rows at these sorted positions."""
        import pandas as pd

        found, start = [], 0
        for frame in self.batches():
            stop = start + len(frame)
            low, high = np.searchsorted(positions, (start, stop))
            if low < high:
                found.append(frame.iloc[positions[low:high] - start])
            start = stop
        return pd.concat(found)

    def row_hashes(self) -> Any:
        """Hashes of the rows: those that `process` has stored, or otherwise those of their content."""
        from airflow_mlcraft.ml.row_hash import ROW_HASH, stored_row_hashes

        columns = [ROW_HASH] if ROW_HASH in self.columns else None
        return np.concatenate([stored_row_hashes(frame) for frame in self.batches(columns)])


def open_data_file(folder: Path, name: str, option: str) -> DataFile:
    """Open the file that an option names; raises an error if it has no rows."""
    head = next(inputs.batches(folder, name, option)).head(1)
    rows = sum(len(frame) for frame in inputs.batches(folder, name, option, [head.columns[0]]))
    return DataFile(folder, name, option, rows, head)
