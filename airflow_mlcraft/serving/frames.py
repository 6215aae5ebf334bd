"""Tables as data frames and back: for models that want one, for the input example, and to compare with."""

from __future__ import annotations

from typing import Any

import numpy as np

from airflow_mlcraft.serving.model_folder import ModelFolder
from airflow_mlcraft.serving.refusals import Refusal, ServingError
from airflow_mlcraft.serving.signature import TEXT, TIME, TRUTH, WHOLE, Column, Signature
from airflow_mlcraft.serving.table import Table, object_matrix

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
