"""Validation of request rows against the model's signature: JSON or CSV values in, a typed table out."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from types import NoneType
from typing import Any

import numpy as np

from airflow_mlcraft.ml.data.text_values import NULLS, is_date_text
from airflow_mlcraft.serving.http.errors import malformed_body, signature_mismatch
from airflow_mlcraft.serving.model.signature import (
    BOOLEAN,
    DATETIME,
    INTEGER,
    INTEGER_LIMITS,
    NUMBER,
    TEXT,
    Column,
    Signature,
)
from airflow_mlcraft.serving.model.tables import Table, build_object_matrix

# The largest 32-bit float: decision trees calculate in 32 bits, where a larger number is infinite.
MAX_NUMBER = 3.4028234e38
# A larger float stands for several integers.
_MAX_EXACT_INTEGER = 2**53
_PYTHON_TYPES: dict[str, frozenset[type]] = {
    NUMBER: frozenset((float, int)),
    INTEGER: frozenset((int,)),
    BOOLEAN: frozenset((bool,)),
    TEXT: frozenset((str,)),
    DATETIME: frozenset((str,)),
}
_KIND_TEXTS = {
    NUMBER: "a number",
    INTEGER: "a whole number",
    BOOLEAN: "true or false",
    TEXT: "text",
    DATETIME: "a time (ISO 8601)",
}
_BOOLEAN_CELLS = {"true": True, "false": False, "1": True, "0": False}
_MAX_VALUE_LENGTH = 60
_DATETIME_CACHE_SIZE = 8192
_NULL_CELLS = frozenset(NULLS)
_NUMBER_CELL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class RequestReader:
    """Reads rows into tables for one signature. Raises RequestError with column and row where they do not match it."""

    def __init__(self, signature: Signature, max_rows: int):
        self._signature = signature
        self._max_rows = max_rows
        self._names = set(signature.names)
        self._all_numeric = not signature.textual

    def read_records(self, rows: Any) -> Table:
        """A list of objects, one per row."""
        self._check_row_count(rows, "records")
        names = self._names
        for number, row in enumerate(rows):
            if type(row) is not dict:
                raise signature_mismatch(
                    f"row {number} is {_describe_value(row)}; expected an object with the model's columns", row=number
                )
            if row.keys() != names:
                self._check_columns(row, number)
        return self._build_table(lambda name: [row.get(name) for row in rows], len(rows))

    def read_columns(self, columns: Any) -> Table:
        """An object of lists, one per column."""
        if not isinstance(columns, dict):
            raise signature_mismatch(f"the columns are {_describe_value(columns)}; expected an object of lists")
        self._check_columns(columns)
        rows = None
        for name, values in columns.items():
            if not isinstance(values, list):
                raise signature_mismatch(
                    f"the column {name!r} is {_describe_value(values)}; expected a list of values", column=name
                )
            if rows is not None and len(values) != rows:
                raise signature_mismatch(
                    f"the column {name!r} has {len(values)} values, and those before it {rows}; "
                    "expected columns of one length",
                    column=name,
                )
            rows = len(values)
            self._check_row_count(values, f"the column {name!r}")
        missing = [None] * (rows or 0)
        return self._build_table(lambda name: columns.get(name, missing), rows or 0)

    def read_matrix(self, rows: Any, names: Any) -> Table:
        """A list of lists, one per row, with values in the order of `names`."""
        self._check_row_count(rows, "rows")
        order = self._validate_column_names(names)
        width = len(order)
        if set(map(type, rows)) != {list} or set(map(len, rows)) != {width}:
            _raise_for_ragged_row(rows, order)
        by_column = dict(zip(order, zip(*rows, strict=True), strict=True))
        missing = (None,) * len(rows)
        return self._build_table(lambda name: by_column.get(name, missing), len(rows))

    def read_csv(self, body: bytes) -> Table:
        """Comma-separated values, with column names in the first line; empty cells and NA are missing values."""
        try:
            lines = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
            rows = [line for line in lines if line]
        except UnicodeDecodeError:
            raise malformed_body("The body is not UTF-8 text") from None
        except csv.Error as error:
            raise malformed_body(f"The body is not CSV: {error}") from None
        if not rows:
            raise malformed_body("The body is empty; expected CSV with the column names in its first line")
        cells: list[list[Any]] = [*rows[1:]]
        by_name = {column.name: column for column in self._signature.columns}
        order = self._validate_column_names(rows[0])
        for number, row in enumerate(cells):
            if len(row) != len(order):
                raise signature_mismatch(
                    f"row {number} has {len(row)} cells, and the first line {len(order)}", row=number
                )
            cells[number] = [_parse_cell(text, by_name[name]) for text, name in zip(row, order, strict=True)]
        return self.read_matrix(cells, order)

    def _check_row_count(self, rows: Any, name: str) -> None:
        if type(rows) is not list:
            raise signature_mismatch(f"{name} is {_describe_value(rows)}; expected a list")
        if not rows:
            raise signature_mismatch(f"{name} is empty; expected at least one row")
        if len(rows) > self._max_rows:
            raise signature_mismatch(f"the request has {len(rows)} rows; this server takes {self._max_rows} at once")

    def _validate_column_names(self, names: Any) -> list[str]:
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise signature_mismatch(f"the column names are {_describe_value(names)}; expected a list of text")
        if len(set(names)) != len(names):
            duplicate = next(name for index, name in enumerate(names) if name in names[:index])
            raise signature_mismatch(f"the column {duplicate!r} is there twice", column=duplicate)
        self._check_columns(dict.fromkeys(names))
        return names

    def _check_columns(self, names: Mapping[str, Any], row: int | None = None) -> None:
        where = "" if row is None else f" in row {row}"
        for name in names:
            if name not in self._names:
                raise signature_mismatch(
                    f"there is no column {name!r}{where}; the model has {_join_names(self._signature.names)}",
                    column=name,
                    row=row,
                )
        for column in self._signature.columns:
            if column.required and column.name not in names:
                raise signature_mismatch(f"the column {column.name!r} is missing{where}", column=column.name, row=row)

    def _build_table(self, values_of: Callable[[str], Sequence[Any]], rows: int) -> Table:
        # By column: numpy takes longer to find the shape of nested lists than to convert them.
        matrix = np.empty((rows, len(self._signature.numeric)))
        for index, column in enumerate(self._signature.numeric):
            values = values_of(column.name)
            if not _have_expected_types(values, column):
                values = [_validate_value(value, column, number) for number, value in enumerate(values)]
            matrix[:, index] = values
        if (np.abs(matrix) > MAX_NUMBER).any():
            self._raise_for_large_number(matrix)
        if self._all_numeric:
            return Table(matrix, np.empty((rows, 0), dtype=object))
        texts = []
        for column in self._signature.textual:
            values = values_of(column.name)
            if not _have_expected_types(values, column):
                values = [_validate_value(value, column, number) for number, value in enumerate(values)]
            texts.append(values)
        return Table(matrix, build_object_matrix(texts, rows))

    def _raise_for_large_number(self, matrix: Any) -> None:
        row, index = np.argwhere(np.abs(matrix) > MAX_NUMBER)[0].tolist()
        name = self._signature.numeric[index].name
        raise signature_mismatch(f"{name!r} in row {row} is beyond ±{MAX_NUMBER}", column=name, row=row)


def _raise_for_ragged_row(rows: Sequence[Any], order: Sequence[str]) -> None:
    width = len(order)
    for number, row in enumerate(rows):
        if type(row) is not list:
            raise signature_mismatch(
                f"row {number} is {_describe_value(row)}; expected a list of {width} values", row=number
            )
        if len(row) != width:
            raise signature_mismatch(
                f"row {number} has {len(row)} values; expected {width}: {_join_names(order)}", row=number
            )


def _have_expected_types(values: Sequence[Any], column: Column) -> bool:
    """Whether all values of a column have the expected types and ranges, so that none needs a check of its own."""
    types = set(map(type, values))
    missing = column.nullable and NoneType in types
    if missing:
        types.discard(NoneType)
    if not types <= _PYTHON_TYPES[column.kind]:
        return False
    if column.kind not in (INTEGER, DATETIME):
        return True
    present = [value for value in values if value is not None] if missing else values
    if column.kind == INTEGER:
        limit = INTEGER_LIMITS[column.type]
        return not present or (-limit <= min(present) and max(present) < limit)
    return all(map(_is_datetime, present))


def _validate_value(value: Any, column: Column, row: int) -> Any:
    """The value as the model takes it, or a RequestError. Slow: only for columns that fail `_have_expected_types`."""
    if value is None:
        if column.nullable:
            return None
        raise signature_mismatch(
            f"{column.name!r} in row {row} is null, which the model does not take", column=column.name, row=row
        )
    if column.kind == INTEGER and type(value) is float and value.is_integer() and abs(value) <= _MAX_EXACT_INTEGER:
        value = int(value)
    valid = type(value) in _PYTHON_TYPES[column.kind]
    if valid and column.kind == INTEGER:
        limit = INTEGER_LIMITS[column.type]
        valid = -limit <= value < limit
    if valid and column.kind == DATETIME:
        valid = _is_datetime(value)
    if not valid:
        raise signature_mismatch(
            f"{column.name!r} in row {row} is {_describe_value(value)}; expected {_KIND_TEXTS[column.kind]}"
            + (f" of {column.type} size" if column.kind == INTEGER and type(value) is int else ""),
            column=column.name,
            row=row,
        )
    return value


def _parse_cell(text: str, column: Column) -> Any:
    """The value of a CSV cell; text that is no such value is returned as it is, and fails the later validation."""
    stripped = text.strip()
    if (text if column.kind == TEXT else stripped) in _NULL_CELLS:
        return None
    if column.kind == BOOLEAN:
        return _BOOLEAN_CELLS.get(stripped.lower(), text)
    if column.kind in (NUMBER, INTEGER):
        return float(stripped) if _NUMBER_CELL.fullmatch(stripped) else text
    return text


@lru_cache(_DATETIME_CACHE_SIZE)
def _is_datetime(value: str) -> bool:
    if not is_date_text(value):
        return False
    try:
        datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return False
    return True


def _describe_value(value: Any) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value) if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= _MAX_VALUE_LENGTH else text[:_MAX_VALUE_LENGTH] + "…"


def _join_names(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:20]))
    return shown if len(names) <= 20 else f"{shown} and {len(names) - 20} more"  # noqa: PLR2004
