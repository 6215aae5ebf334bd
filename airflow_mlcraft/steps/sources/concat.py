"""Several files of one kind as one file."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.data import csv_file, json_file
from airflow_mlcraft.ml.data.csv_dialect import wide_fields
from airflow_mlcraft.ml.data.parquet import parquet_file
from airflow_mlcraft.ml.data.sniff import Form, csv_dialect, open_text, sniff

_PIECE = 1 << 20


def joined(paths: Sequence[Path], folder: Path, format: str = "auto") -> Path:  # noqa: A002
    """One file with the rows of all, in their order. A single file is left as it is."""
    if len(paths) == 1:
        return paths[0]
    forms = [sniff(path, format) for path in paths]
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


Parts = list[tuple[Path, Form]]


def _join_csv(parts: Parts, target: Path) -> None:
    """Without the headers of all but the first, in UTF-8."""
    first, form = parts[0]
    names = csv_file.names_of(first, form)
    with target.open("w", encoding="utf-8", newline="") as out:
        for path, other in parts:
            if other.dialect != form.dialect:
                raise StepError(_other_dialect(first, form, path, other))
            _same_names(first, names, path, csv_file.names_of(path, other))
            _copy_rows(path, other, out, with_header=path == first)


def _copy_rows(path: Path, form: Form, out: Any, *, with_header: bool) -> None:
    """The text as it is; the header is as many lines as its quotes make it."""
    with open_text(path, form) as handle:
        if csv_dialect(form).header and not with_header:
            _skip_header(handle, form)
        last = "\n"
        while piece := handle.read(_PIECE):
            out.write(piece)
            last = piece[-1]
        if last not in "\r\n":
            out.write("\n")


def _skip_header(handle: Any, form: Form) -> None:
    with wide_fields():
        lines = iter(handle.readline, "")
        for row in csv.reader(lines, delimiter=csv_dialect(form).delimiter, quotechar=csv_dialect(form).quote):
            if row:
                return


def _other_dialect(first: Path, form: Form, path: Path, other: Form) -> str:
    def words(form: Form) -> str:
        dialect = csv_dialect(form)
        header = "a header" if dialect.header else "no header"
        return (
            f"separated by {dialect.delimiter!r}, quoted by {dialect.quote!r}, decimals {dialect.decimal!r}, {header}"
        )

    return f"{first.name} is CSV {words(form)}; {path.name} is {words(other)}; they cannot be put together as they are"


def _same_names(first: Path, names: Sequence[str], path: Path, others: Sequence[str]) -> None:
    if list(names) == list(others):
        return
    lacks = [name for name in names if name not in others]
    more = [name for name in others if name not in names]
    told = [f"lacks {', '.join(map(repr, lacks))}"] if lacks else []
    told += [f"has {', '.join(map(repr, more))} in addition"] if more else []
    raise StepError(
        f"{path.name} has other columns than {first.name}: it {' and '.join(told) or 'has them in another order'}; "
        "files with the same columns can be put together"
    )


def _join_lines(parts: Parts, target: Path) -> None:
    names: list[str] | None = None
    with target.open("w", encoding="utf-8") as out:
        for path, form in parts:
            found: dict[str, None] = {}
            for rows in json_file.chunks(path, form):
                for row in rows:
                    found |= dict.fromkeys(row)
            names = names if names is not None else sorted(found)
            _same_names(parts[0][0], names, path, sorted(found))
            with open_text(path, form) as handle:
                out.writelines(f"{line.strip()}\n" for line in handle if line.strip())


def _join_json(parts: Parts, target: Path) -> None:
    together: list[json_file.Row] = []
    names: list[str] | None = None
    for path, form in parts:
        rows = json_file.records(path, form)
        found = sorted({name for row in rows for name in row})
        names = names if names is not None else found
        _same_names(parts[0][0], names, path, found)
        together += rows
    target.write_text(json.dumps(together, ensure_ascii=False), "utf-8")


def _join_parquet(parts: Parts, target: Path) -> None:
    from pyarrow import parquet

    with parquet_file(parts[0][0]) as file:
        schema = file.schema_arrow
    with parquet.ParquetWriter(target, schema) as writer:
        for path, _ in parts:
            with parquet_file(path) as file:
                _same_names(parts[0][0], schema.names, path, file.schema_arrow.names)
                _same_types(parts[0][0], schema, path, file.schema_arrow)
                for batch in file.iter_batches():
                    writer.write_batch(batch.cast(schema))


def _same_types(first: Path, schema: Any, path: Path, other: Any) -> None:
    for name in schema.names:
        ours, theirs = schema.field(name).type, other.field(name).type
        if ours != theirs:
            raise StepError(f"the column {name!r} is {ours} in {first.name}, but {theirs} in {path.name}")


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
