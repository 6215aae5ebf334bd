"""Reading of data files as frames."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.data.parquet import open_parquet
from airflow_mlcraft.ml.data.sniff import FileFormat, detect_format, open_text

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def read_frame(path: Path, format: str = "auto") -> pd.DataFrame:  # noqa: A002
    """Read a file of CSV, JSON, JSON lines, Parquet or text as a frame.

    Each column has one type: numbers, booleans, times, or text for values of several types.
    """
    form = detect_format(path, format)
    try:
        return _READERS[form.format](path, form)
    except UnicodeDecodeError as error:
        raise decoding_error(path, form, error) from None


def decoding_error(path: Path, form: FileFormat, error: UnicodeDecodeError) -> StepError:
    """The error for bytes that are invalid in the detected encoding."""
    byte = error.object[error.start]
    return StepError(
        f"{path.name} looked like {form.encoding}, but has a byte 0x{byte:02x} that cannot be in it; save it as UTF-8"
    )


def records_to_frame(rows: list[dict[str, Any]], types: Mapping[str, set[type]] | None = None) -> pd.DataFrame:
    """Rows of JSON as a frame. `types` has, for each column, the types of all its values."""
    import pandas as pd

    if types is None:
        names = dict.fromkeys(name for row in rows for name in row)
        types = {name: value_types([row.get(name) for row in rows]) for name in names}
    columns = {name: _column([row.get(name) for row in rows], found) for name, found in types.items()}
    return pd.DataFrame(columns, index=range(len(rows)))


def value_types(values: list[Any]) -> set[type]:
    """The types of the values of a column, without that of missing ones."""
    return {bool if isinstance(value, bool) else type(value) for value in values if value is not None}


def _column(values: list[Any], types: set[type]) -> pd.Series[Any]:
    """The values of a column; values of several types become text, which can be sorted and counted."""
    import pandas as pd

    if types == {int, float}:
        return pd.Series(values, dtype="float64")
    if len(types) > 1:
        return pd.Series([None if value is None else value if type(value) is str else str(value) for value in values])
    if types == {str}:
        return pd.Series(values, dtype=pd.Series([""]).dtype)
    empty = all(value is None for value in values)
    return pd.Series(values, dtype="float64") if empty and types <= {int, float} else pd.Series(values)


def _read_csv(path: Path, form: FileFormat) -> pd.DataFrame:
    from airflow_mlcraft.ml.data import csv_file

    return table_to_frame(csv_file.read_table(path, form))


def table_to_frame(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as a frame: dates become times, and a column without values one of numbers."""
    import pyarrow as pa

    for place, field in enumerate(table.schema):
        target_type = None
        if pa.types.is_null(field.type):
            target_type = pa.float64()
        elif pa.types.is_date(field.type):
            target_type = pa.timestamp("s")
        if target_type is not None:
            table = table.set_column(place, field.name, table.column(place).cast(target_type))
    return table.to_pandas()


def _read_parquet(path: Path, form: FileFormat) -> pd.DataFrame:
    with open_parquet(path) as file:
        return reset_index(file.read().to_pandas())


def reset_index(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame with rows numbered from 0; an index that the file has stored becomes columns."""
    import pandas as pd

    return frame.reset_index(drop=isinstance(frame.index, pd.RangeIndex))


def _read_json(path: Path, form: FileFormat) -> pd.DataFrame:
    from airflow_mlcraft.ml.data import json_file

    return records_to_frame(json_file.read_records(path, form))


def _read_lines(path: Path, form: FileFormat) -> pd.DataFrame:
    from airflow_mlcraft.ml.data import json_file

    return records_to_frame([row for rows in json_file.read_chunks(path, form) for row in rows])


def _read_text(path: Path, form: FileFormat) -> pd.DataFrame:
    import pandas as pd

    with open_text(path, form) as handle:
        return pd.DataFrame({"text": [line.rstrip("\r\n") for line in handle]})


_READERS = {
    "csv": _read_csv,
    "json": _read_json,
    "jsonl": _read_lines,
    "parquet": _read_parquet,
    "text": _read_text,
}
