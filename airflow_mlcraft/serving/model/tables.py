"""Rows on their way to the model: a matrix of numbers and one of texts, without a data frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from airflow_mlcraft.serving.http.errors import Refusal, ServingError
from airflow_mlcraft.serving.model.folder import ModelFolder
from airflow_mlcraft.serving.model.signature import TEXT, TIME, TRUTH, WHOLE, Column, Signature


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


_DTYPES = {"double": "float64", "float": "float32", "long": "int64", "integer": "int32", "boolean": "bool"}


def frame_of(table: Table, signature: Signature) -> Any:
    """The data frame that the model was trained with, but for its rows."""
    import pandas as pd

    made: dict[str, Any] = {}
    for column in signature.columns:
        numeric, index = signature.place[column.name]
        made[column.name] = _series(table.numbers[:, index] if numeric else table.texts[:, index], column, pd)
    return pd.DataFrame(made, columns=list(signature.names))


def table_of(frame: Any, signature: Signature) -> Table:
    """The other way round."""
    rows = len(frame)
    numbers = np.empty((rows, len(signature.numeric)))
    for index, column in enumerate(signature.numeric):
        numbers[:, index] = frame[column.name].astype("float64")
    return Table(numbers, object_matrix([_texts(frame[column.name], column) for column in signature.textual], rows))


def _texts(values: Any, column: Column) -> list[str | None]:
    word = (lambda value: value.isoformat()) if column.kind == TIME else str
    return [None if missing else word(value) for value, missing in zip(values, values.isna(), strict=True)]


def example_frame(folder: ModelFolder) -> Any:
    """The model's input example."""
    import pandas as pd

    split = (folder.example or {}).get("dataframe_split")
    if not isinstance(split, dict) or not split.get("data"):
        raise ServingError(f"{folder.path} has no input example to try it with. Log the model with one")
    columns = split.get("columns") or list(folder.signature.names)
    frame = pd.DataFrame(split["data"], columns=columns)
    if missing := [name for name in folder.signature.names if name not in columns]:
        raise ServingError(f"the input example of {folder.path} lacks the column {missing[0]!r}")
    for column in folder.signature.columns:
        if column.kind == TIME:
            frame[column.name] = pd.to_datetime(frame[column.name])
    return frame[list(folder.signature.names)]


def _series(values: Any, column: Column, pd: Any) -> Any:
    if column.kind == TEXT:
        return pd.Series([np.nan if value is None else value for value in values], dtype=object)
    if column.kind == TIME:
        try:
            return pd.to_datetime(pd.Series(values), format="ISO8601", utc=True).dt.tz_localize(None).dt.as_unit("ns")
        except (ValueError, OverflowError) as error:
            raise Refusal(422, f"{column.name!r} has a time that cannot be used: {error}", column=column.name) from None
    if np.isnan(values).any():
        if column.kind == TRUTH:
            return pd.Series([None if value != value else bool(value) for value in values], dtype=object)  # noqa: PLR0124
        return pd.Series(values) if column.kind == WHOLE else pd.Series(values.astype(_DTYPES[column.type]))
    return pd.Series(values.astype(_DTYPES[column.type]))


def records_of(table: Table, signature: Signature) -> list[dict[str, Any]]:
    """One object a row; null where a value is missing."""
    columns = {}
    for column in signature.columns:
        numeric, index = signature.place[column.name]
        values = (table.numbers if numeric else table.texts)[:, index].tolist()
        columns[column.name] = [_as_sent(value, column.kind) for value in values] if numeric else values
    return [{name: values[row] for name, values in columns.items()} for row in range(len(table))]


def _as_sent(value: float, kind: str) -> Any:
    if math.isnan(value):
        return None
    if kind == TRUTH:
        return bool(value)
    return int(value) if kind == WHOLE else value
