"""Concatenation of several files of one format into one file."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.data import csv_file, json_file
from airflow_mlcraft.ml.data.csv_dialect import allow_long_fields
from airflow_mlcraft.ml.data.parquet import open_parquet
from airflow_mlcraft.ml.data.sniff import FileFormat, csv_dialect, detect_format, open_text

_CHUNK_SIZE = 1 << 20


def concat_files(paths: Sequence[Path], folder: Path, format: str = "auto") -> Path:  # noqa: A002
    """Write one file with the rows of all, in their order, and return its path. A single file is returned as it is."""
    if len(paths) == 1:
        return paths[0]
    forms = [detect_format(path, format) for path in paths]
    for path, form in zip(paths, forms, strict=True):
        if form.format != forms[0].format:
            raise StepError(
                f"{paths[0].name} is {forms[0].format}, but {path.name} is {form.format}; "
                "files of one kind can be put together"
            )
    kind = forms[0].format
    target = folder / f"together.{kind}"
    _JOINERS[kind](list(zip(paths, forms, strict=True)), target)
    return target


Parts = list[tuple[Path, FileFormat]]


def _join_csv(parts: Parts, target: Path) -> None:
    """Write CSV in UTF-8 with the header of the first file only."""
    first, form = parts[0]
    names = csv_file.read_column_names(first, form)
    with target.open("w", encoding="utf-8", newline="") as out:
        for path, other in parts:
            if other.dialect != form.dialect:
                raise StepError(_describe_mismatch(first, form, path, other))
            _check_same_columns(first, names, path, csv_file.read_column_names(path, other))
            _copy_rows(path, other, out, with_header=path == first)


def _copy_rows(path: Path, form: FileFormat, out: Any, *, with_header: bool) -> None:
    """Copy the text unchanged. A header may span several lines, as quoted fields may."""
    with open_text(path, form) as handle:
        if csv_dialect(form).header and not with_header:
            _skip_header(handle, form)
        last = "\n"
        while chunk := handle.read(_CHUNK_SIZE):
            out.write(chunk)
            last = chunk[-1]
        if last not in "\r\n":
            out.write("\n")


def _skip_header(handle: Any, form: FileFormat) -> None:
    with allow_long_fields():
        lines = iter(handle.readline, "")
        for row in csv.reader(lines, delimiter=csv_dialect(form).delimiter, quotechar=csv_dialect(form).quote):
            if row:
                return


def _describe_mismatch(first: Path, form: FileFormat, path: Path, other: FileFormat) -> str:
    def describe(form: FileFormat) -> str:
        dialect = csv_dialect(form)
        header = "a header" if dialect.header else "no header"
        return (
            f"separated by {dialect.delimiter!r}, quoted by {dialect.quote!r}, decimals {dialect.decimal!r}, {header}"
        )

    return (
        f"{first.name} is CSV {describe(form)}; {path.name} is {describe(other)}; "
        "they cannot be put together as they are"
    )


def _check_same_columns(first: Path, names: Sequence[str], path: Path, others: Sequence[str]) -> None:
    if list(names) == list(others):
        return
    lacking = [name for name in names if name not in others]
    additional = [name for name in others if name not in names]
    differences = [f"lacks {', '.join(map(repr, lacking))}"] if lacking else []
    differences += [f"has {', '.join(map(repr, additional))} in addition"] if additional else []
    raise StepError(
        f"{path.name} has other columns than {first.name}: "
        f"it {' and '.join(differences) or 'has them in another order'}; "
        "files with the same columns can be put together"
    )


def _join_lines(parts: Parts, target: Path) -> None:
    names: list[str] | None = None
    with target.open("w", encoding="utf-8") as out:
        for path, form in parts:
            found: dict[str, None] = {}
            for rows in json_file.read_chunks(path, form):
                for row in rows:
                    found |= dict.fromkeys(row)
            names = names if names is not None else sorted(found)
            _check_same_columns(parts[0][0], names, path, sorted(found))
            with open_text(path, form) as handle:
                out.writelines(f"{line.strip()}\n" for line in handle if line.strip())


def _join_json(parts: Parts, target: Path) -> None:
    all_rows: list[json_file.Row] = []
    names: list[str] | None = None
    for path, form in parts:
        rows = json_file.read_records(path, form)
        found = sorted({name for row in rows for name in row})
        names = names if names is not None else found
        _check_same_columns(parts[0][0], names, path, found)
        all_rows += rows
    target.write_text(json.dumps(all_rows, ensure_ascii=False), "utf-8")


def _join_parquet(parts: Parts, target: Path) -> None:
    from pyarrow import parquet

    with open_parquet(parts[0][0]) as file:
        schema = file.schema_arrow
    with parquet.ParquetWriter(target, schema) as writer:
        for path, _ in parts:
            with open_parquet(path) as file:
                _check_same_columns(parts[0][0], schema.names, path, file.schema_arrow.names)
                _check_same_types(parts[0][0], schema, path, file.schema_arrow)
                for batch in file.iter_batches():
                    writer.write_batch(batch.cast(schema))


def _check_same_types(first: Path, schema: Any, path: Path, other: Any) -> None:
    for name in schema.names:
        first_type, other_type = schema.field(name).type, other.field(name).type
        if first_type != other_type:
            raise StepError(f"the column {name!r} is {first_type} in {first.name}, but {other_type} in {path.name}")


def _join_text(parts: Parts, target: Path) -> None:
    with target.open("w", encoding="utf-8", newline="") as out:
        for path, form in parts:
            _copy_rows(path, form, out, with_header=True)


_JOINERS = {
    "csv": _join_csv,
    "json": _join_json,
    "jsonl": _join_lines,
    "parquet": _join_parquet,
    "text": _join_text,
}
