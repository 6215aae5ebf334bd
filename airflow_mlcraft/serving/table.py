"""Rows on their way to the model: a matrix of numbers and one of texts, without a data frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Table:
    """`numbers` has NaN, and `texts` None, where a value is missing."""

    numbers: NDArray[np.float64]
    texts: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.numbers)

    def rows(self, start: int, stop: int) -> Table:
        return Table(self.numbers[start:stop], self.texts[start:stop])


def join(tables: Sequence[Table]) -> Table:
    """One table below the other."""
    if len(tables) == 1:
        return tables[0]
    return Table(
        np.concatenate([table.numbers for table in tables]),
        np.concatenate([table.texts for table in tables]),
    )


def object_matrix(columns: Sequence[Sequence[Any]], rows: int) -> NDArray[np.object_]:
    """Columns of Python objects side by side."""
    made = np.empty((rows, len(columns)), dtype=object)
    for index, values in enumerate(columns):
        made[:, index] = values
    return made
