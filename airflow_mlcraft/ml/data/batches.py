"""Data files as frames of some rows each, in the types of the whole file. Memory does not grow with the rows.

A JSON file that is not JSON lines is one value, and so it is read as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlcraft.ml.data import csv_file, json_file
from airflow_mlcraft.ml.data.parquet import open_parquet
from airflow_mlcraft.ml.data.read import (
    decoding_error,
    read_frame,
    records_to_frame,
    reset_index,
    table_to_frame,
    value_types,
)
from airflow_mlcraft.ml.data.sniff import FileFormat, detect_format, open_text

if TYPE_CHECKING:
    import pandas as pd

BATCH_ROWS = 50_000


def read_batches(
    path: Path,
    format: str = "auto",  # noqa: A002
    *,
    columns: Sequence[str] | None = None,
) -> Iterator[pd.DataFrame]:
    """The rows of a file in their order. The frames together equal `read_frame` of the file.

    `columns` are the columns to read, of which the file may lack some.
    """
    form = detect_format(path, format)
    try:
        if form.format == "parquet":
            yield from _parquet(path, columns)
        else:
            yield from (_select_columns(frame, columns) for frame in _READERS[form.format](path, form))
    except UnicodeDecodeError as error:
        raise decoding_error(path, form, error) from None


def _csv(path: Path, form: FileFormat) -> Iterator[pd.DataFrame]:
    import pyarrow as pa

    types, nullable = csv_file.detect_column_types(path, form)
    for batch in csv_file.read_batches(path, form, types):
        yield _widen_nullable(table_to_frame(pa.Table.from_batches([batch])), nullable)


def _parquet(path: Path, columns: Sequence[str] | None) -> Iterator[pd.DataFrame]:
    with open_parquet(path) as file:
        read = None
        if columns is not None and not _has_index(file):
            read = [name for name in file.schema_arrow.names if name in columns]
        nullable = _nullable(file, read)
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=read):
            yield _select_columns(_widen_nullable(reset_index(batch.to_pandas()), nullable), columns)


def _has_index(file: Any) -> bool:
    """Whether columns of the file are the index of a frame, whose names may be others."""
    index_columns = (file.schema_arrow.pandas_metadata or {}).get("index_columns", [])
    return any(isinstance(index_column, str) for index_column in index_columns)


def _select_columns(frame: pd.DataFrame, columns: Sequence[str] | None) -> pd.DataFrame:
    if columns is None:
        return frame
    return frame[[name for name in frame.columns if str(name) in columns]]


def _nullable(file: Any, columns: Sequence[str] | None) -> set[str]:
    """Columns of integers or booleans with missing values."""
    import pyarrow as pa

    schema = file.schema_arrow
    kinds = (pa.types.is_integer, pa.types.is_boolean)
    names = [field.name for field in schema if any(is_kind(field.type) for is_kind in kinds)]
    names = [name for name in names if columns is None or name in columns]
    found: set[str] = set()
    for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=names) if names else ():
        found.update(name for name in names if batch.column(name).null_count)
    return found


def _lines(path: Path, form: FileFormat) -> Iterator[pd.DataFrame]:
    types: dict[str, set[type]] = {}
    counts: dict[str, int] = {}
    rows = 0
    for chunk in json_file.read_chunks(path, form):
        rows += len(chunk)
        for name in dict.fromkeys(name for row in chunk for name in row):
            values = [row[name] for row in chunk if row.get(name) is not None]
            types.setdefault(name, set()).update(value_types(values))
            counts[name] = counts.get(name, 0) + len(values)
    nullable = {name for name, count in counts.items() if count < rows}
    for chunk in json_file.read_chunks(path, form):
        yield _widen_nullable(records_to_frame(chunk, types), nullable)


def _text(path: Path, form: FileFormat) -> Iterator[pd.DataFrame]:
    import pandas as pd

    with open_text(path, form) as handle:
        while lines := list(islice(handle, BATCH_ROWS)):
            yield pd.DataFrame({"text": [line.rstrip("\r\n") for line in lines]})


def _json(path: Path, form: FileFormat) -> Iterator[pd.DataFrame]:
    frame = read_frame(path, form.format)
    for start in range(0, len(frame), BATCH_ROWS):
        yield frame.iloc[start : start + BATCH_ROWS].reset_index(drop=True)


def _widen_nullable(frame: pd.DataFrame, nullable: set[str]) -> pd.DataFrame:
    """Integers as floats and booleans as objects in columns with missing values in other rows, as pandas has them."""
    wider = {}
    for name in nullable & set(frame.columns):
        if not isinstance(frame[name].dtype, np.dtype):
            continue
        if frame[name].dtype.kind in "iu":
            wider[name] = "float64"
        elif frame[name].dtype.kind == "b":
            wider[name] = "object"
    return frame.astype(wider) if wider else frame


_READERS = {"csv": _csv, "json": _json, "jsonl": _lines, "text": _text}
