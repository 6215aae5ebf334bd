"""JSON and JSON lines as records: one object a row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.data.sniff import FileFormat, open_text

Row = dict[str, Any]
CHUNK_ROWS = 50_000


def read_records(path: Path, form: FileFormat) -> list[Row]:
    """The rows of a JSON file: an array of objects, an object of arrays, or an object that has one such within it."""
    try:
        with open_text(path, form) as handle:
            value = json.load(handle)
    except json.JSONDecodeError as error:
        raise StepError(
            f"{path.name}, line {error.lineno}, column {error.colno}: this is no JSON: {error.msg}; "
            "the file may be cut off, or JSON lines of which one is broken"
        ) from None
    except RecursionError:
        raise StepError(f"{path.name}: the JSON is nested too deeply to be a table") from None
    rows = _rows(value)
    if rows is None:
        raise StepError(
            f"{path.name} is JSON, but no table: expected an array of objects, or an object with one array a column"
        )
    return [_flat(row) for row in rows]


def read_chunks(path: Path, form: FileFormat) -> Iterator[list[Row]]:
    """The rows of a file of JSON lines, in pieces."""
    rows: list[Row] = []
    with open_text(path, form) as handle:
        for number, line in enumerate(handle, 1):
            if line.strip():
                rows.append(_flat(_object(path, number, line)))
            if len(rows) == CHUNK_ROWS:
                yield rows
                rows = []
    if rows:
        yield rows


def _object(path: Path, number: int, line: str) -> Row:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        raise StepError(
            f"{path.name}, line {number}, column {error.colno}: this is no JSON: {error.msg}; "
            "expected one object a line"
        ) from None
    if not isinstance(value, dict):
        raise StepError(f"{path.name}, line {number}: {type(value).__name__} where an object is expected")
    return value


def _rows(value: Any) -> list[Row] | None:
    if isinstance(value, list):
        return value if all(isinstance(row, dict) for row in value) else None
    if not isinstance(value, dict):
        return None
    inner = [item for item in value.values() if isinstance(item, list) and item and isinstance(item[0], dict)]
    if len(inner) == 1:
        return _rows(inner[0])
    lengths = {len(item) for item in value.values() if isinstance(item, list)}
    if value and len(lengths) == 1 and all(isinstance(item, list) for item in value.values()):
        return [dict(zip(value, cells, strict=True)) for cells in zip(*value.values(), strict=True)]
    return [value] if value and not inner and not lengths else None


def _flat(row: Row, prefix: str = "") -> Row:
    """The row with nested objects as columns `address.city`, and arrays as JSON text."""
    flat: Row = {}
    for key, value in row.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
    return flat
