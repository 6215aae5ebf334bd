"""Tables: the rows of a request as a matrix of numbers and one of texts; conversion to data frames and records."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from airflow_mlcraft.serving.http.errors import RequestError, ServingError
from airflow_mlcraft.serving.model.folder import ModelFolder
from airflow_mlcraft.serving.model.signature import BOOLEAN, DATETIME, INTEGER, TEXT, Column, Signature

_DTYPES = {"double": "float64", "float": "float32", "long": "int64", "integer": "int32", "boolean": "bool"}


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one signature. A missing value is NaN in `numbers` and None in `texts`."""

    numbers: NDArray[np.float64]
    texts: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.numbers)

    def rows(self, start: int, stop: int) -> Table:
        return Table(self.numbers[start:stop], self.texts[start:stop])


def concat_tables(tables: Sequence[Table]) -> Table:
    """Stack the rows of tables of one signature."""
    if len(tables) == 1:
        return tables[0]
    return Table(
        np.concatenate([table.numbers for table in tables]),
        np.concatenate([table.texts for table in tables]),
    )


def build_object_matrix(columns: Sequence[Sequence[Any]], rows: int) -> NDArray[np.object_]:
    """An object matrix with these columns."""
    result = np.empty((rows, len(columns)), dtype=object)
    for index, values in enumerate(columns):
        result[:, index] = values
    return result


def table_to_frame(table: Table, signature: Signature) -> Any:
    """A data frame with the column names and types that the model was trained with."""
    import pandas as pd

    result: dict[str, Any] = {}
    for column in signature.columns:
        numeric, index = signature.positions[column.name]
        result[column.name] = _to_series(table.numbers[:, index] if numeric else table.texts[:, index], column, pd)
    return pd.DataFrame(result, columns=list(signature.names))


def table_from_frame(frame: Any, signature: Signature) -> Table:
    """The table of a data frame; the inverse of `table_to_frame`."""
    rows = len(frame)
    numbers = np.empty((rows, len(signature.numeric)))
    for index, column in enumerate(signature.numeric):
        numbers[:, index] = frame[column.name].astype("float64")
    return Table(
        numbers, build_object_matrix([_to_texts(frame[column.name], column) for column in signature.textual], rows)
    )


def _to_texts(values: Any, column: Column) -> list[str | None]:
    to_text = (lambda value: value.isoformat()) if column.kind == DATETIME else str
    return [None if missing else to_text(value) for value, missing in zip(values, values.isna(), strict=True)]


def load_example_frame(folder: ModelFolder) -> Any:
    """The model's input example as a data frame."""
    import pandas as pd

    split = (folder.example or {}).get("dataframe_split")
    if not isinstance(split, dict) or not split.get("data"):
        raise ServingError(f"{folder.path} has no input example to try it with. Log the model with one")
    columns = split.get("columns") or list(folder.signature.names)
    frame = pd.DataFrame(split["data"], columns=columns)
    if missing := [name for name in folder.signature.names if name not in columns]:
        raise ServingError(f"the input example of {folder.path} lacks the column {missing[0]!r}")
    for column in folder.signature.columns:
        if column.kind == DATETIME:
            frame[column.name] = pd.to_datetime(frame[column.name])
    return frame[list(folder.signature.names)]


def _to_series(values: Any, column: Column, pd: Any) -> Any:
    if column.kind == TEXT:
        return pd.Series([np.nan if value is None else value for value in values], dtype=object)
    if column.kind == DATETIME:
        try:
            return pd.to_datetime(pd.Series(values), format="ISO8601", utc=True).dt.tz_localize(None).dt.as_unit("ns")
        except (ValueError, OverflowError) as error:
            raise RequestError(
                422, f"{column.name!r} has a time that cannot be used: {error}", column=column.name
            ) from None
    if np.isnan(values).any():
        if column.kind == BOOLEAN:
            return pd.Series([None if value != value else bool(value) for value in values], dtype=object)  # noqa: PLR0124
        return pd.Series(values) if column.kind == INTEGER else pd.Series(values.astype(_DTYPES[column.type]))
    return pd.Series(values.astype(_DTYPES[column.type]))


def table_to_records(table: Table, signature: Signature) -> list[dict[str, Any]]:
    """The rows as a client would send them: one object per row, with None for a missing value."""
    columns = {}
    for column in signature.columns:
        numeric, index = signature.positions[column.name]
        values = (table.numbers if numeric else table.texts)[:, index].tolist()
        columns[column.name] = [_to_json_value(value, column.kind) for value in values] if numeric else values
    return [{name: values[row] for name, values in columns.items()} for row in range(len(table))]


def _to_json_value(value: float, kind: str) -> Any:
    if math.isnan(value):
        return None
    if kind == BOOLEAN:
        return bool(value)
    return int(value) if kind == INTEGER else value
