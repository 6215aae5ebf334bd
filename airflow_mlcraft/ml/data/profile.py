"""Profile of a data file or frame: rows, columns, types, nulls, ranges. CSV and Parquet are read in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.ml.data.column_profile import ColumnProfile
from airflow_mlcraft.ml.data.sniff import FileFormat, csv_dialect, detect_format, open_text

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_mlcraft.ml.data.table_on_disk import ColumnTable

Profile = dict[str, Any]
_LINES = 100_000


@dataclass(frozen=True)
class Batch:
    """Some rows. A column is an Arrow array, or a list of JSON values."""

    rows: int
    columns: Mapping[str, Any]


def profile_file(path: Path, format: str = "auto") -> Profile:  # noqa: A002
    """The profile of a file. Memory does not grow with its rows, except for JSON that is not lines."""
    from airflow_mlcraft.ml.data.read import decoding_error

    form = detect_format(path, format)
    try:
        columns = _profile_columns(_batches(path, form), form)
    except UnicodeDecodeError as error:
        raise decoding_error(path, form, error) from None
    return {**_format_entries(form), **_to_profile(columns)}


def profile_frame(frame: ColumnTable) -> Profile:
    """The profile of a frame, which is read column by column."""
    import pyarrow as pa

    columns = []
    for name in frame.columns:
        column = ColumnProfile(str(name))
        column.add(pa.array(frame[name], from_pandas=True))
        columns.append(column)
    return {"rows": len(frame), "columns": {column.name: column.result() for column in columns}}


def _format_entries(form: FileFormat) -> Profile:
    profile: Profile = {"format": form.format}
    if form.encoding:
        profile["encoding"] = form.encoding
    if form.gzipped:
        profile["compression"] = "gzip"
    if form.dialect:
        profile |= {
            "delimiter": form.dialect.delimiter,
            "quote": form.dialect.quote,
            "decimal": form.dialect.decimal,
            "header": form.dialect.header,
        }
    return profile


def _to_profile(columns: dict[str, ColumnProfile]) -> Profile:
    rows = max((column.rows for column in columns.values()), default=0)
    notes = [note for column in columns.values() if (note := _note(column))]
    profile: Profile = {"rows": rows, "columns": {name: column.result() for name, column in columns.items()}}
    return {**profile, "notes": notes} if notes else profile


def _note(column: ColumnProfile) -> str:
    if odd := column.odd_one():
        kind, count, row, value = odd
        return (
            f"the column {column.name!r} is mixed: {_KINDS[kind]} in {count:,} of {column.rows:,} rows, unlike the "
            f"others, first {value!r} in row {row:,}; it is read as text"
        )
    if not column.kinds and column.rows:
        return f"the column {column.name!r} has no value in any row"
    if column.infinite:
        return f"the column {column.name!r} has {column.infinite:,} infinite values"
    return ""


_KINDS = {
    "integer": "a number",
    "number": "a number",
    "boolean": "a truth value",
    "time": "a time",
    "text": "text",
}


def _profile_columns(batches: Iterable[Batch], form: FileFormat) -> dict[str, ColumnProfile]:
    columns: dict[str, ColumnProfile] = {}
    rows = 0
    for batch in batches:
        for name, values in batch.columns.items():
            if name not in columns:
                columns[name] = ColumnProfile(name, csv_dialect(form).decimal, rows=rows, nulls=rows)
            if isinstance(values, list):
                columns[name].add_objects(values)
            else:
                columns[name].add(values, written=form.format == "csv")
        rows += batch.rows
        for column in columns.values():
            column.nulls += rows - column.rows
            column.rows = rows
    return columns


def _batches(path: Path, form: FileFormat) -> Iterator[Batch]:
    """Batches of the data. The first has no rows, and the names of all columns if they are already known."""
    from airflow_mlcraft.ml.data import csv_file, json_file
    from airflow_mlcraft.ml.data.parquet import open_parquet

    if form.format == "csv":
        yield Batch(0, {name: [] for name in csv_file.read_column_names(path, form)})
        yield from map(_batch, csv_file.read_batches(path, form))
    elif form.format == "parquet":
        with open_parquet(path) as file:
            yield Batch(0, {name: [] for name in file.schema_arrow.names})
            yield from map(_batch, file.iter_batches())
    elif form.format == "text":
        yield from _lines(path, form)
    else:
        chunks = json_file.read_chunks(path, form) if form.format == "jsonl" else [json_file.read_records(path, form)]
        for rows in chunks:
            names = dict.fromkeys(name for row in rows for name in row)
            yield Batch(len(rows), {name: [row.get(name) for row in rows] for name in names})


def _batch(batch: pa.RecordBatch) -> Batch:
    return Batch(batch.num_rows, dict(zip(batch.schema.names, batch.columns, strict=True)))


def _lines(path: Path, form: FileFormat) -> Iterator[Batch]:
    with open_text(path, form) as handle:
        while lines := list(islice(handle, _LINES)):
            yield Batch(len(lines), {"text": [line.rstrip("\r\n") for line in lines]})
