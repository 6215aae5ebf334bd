"""Values of a request, checked against the signature, as a table."""

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

from airflow_mlcraft.ml.data.text_values import NULLS, is_written_date
from airflow_mlcraft.serving.http.errors import malformed, mismatch
from airflow_mlcraft.serving.model.signature import NUMBER, TEXT, TIME, TRUTH, WHOLE, Column, Signature
from airflow_mlcraft.serving.model.tables import Table, object_matrix

# Trees calculate in 32 bits, and what is larger is no number there.
LARGEST = 3.4028234e38
_WHOLE_LIMITS = {"integer": 2**31, "long": 2**63}
# A float beyond that stands for several whole numbers.
_EXACT = 2**53
_TYPES: dict[str, frozenset[type]] = {
    NUMBER: frozenset((float, int)),
    WHOLE: frozenset((int,)),
    TRUTH: frozenset((bool,)),
    TEXT: frozenset((str,)),
    TIME: frozenset((str,)),
}
_WORDS = {NUMBER: "a number", WHOLE: "a whole number", TRUTH: "true or false", TEXT: "text", TIME: "a time (ISO 8601)"}
_TRUTHS = {"true": True, "false": False, "1": True, "0": False}
_SHOWN = 60
_REMEMBERED = 8192
_NULLS = frozenset(NULLS)
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class Reader:
    """Makes tables for one signature."""

    def __init__(self, signature: Signature, max_rows: int):
        self._signature = signature
        self._max_rows = max_rows
        self._names = set(signature.names)
        self._no_texts = not signature.textual

    def records(self, rows: Any) -> Table:
        """A list of objects, one a row."""
        self._count(rows, "records")
        names = self._names
        for number, row in enumerate(rows):
            if type(row) is not dict:
                raise mismatch(
                    f"row {number} is {_shown(row)}; expected an object with the model's columns", row=number
                )
            if row.keys() != names:
                self._check_names(row, number)
        return self._table(lambda name: [row.get(name) for row in rows], len(rows))

    def columns(self, columns: Any) -> Table:
        """An object of lists, one a column."""
        if not isinstance(columns, dict):
            raise mismatch(f"the columns are {_shown(columns)}; expected an object of lists")
        self._check_names(columns)
        rows = None
        for name, values in columns.items():
            if not isinstance(values, list):
                raise mismatch(f"the column {name!r} is {_shown(values)}; expected a list of values", column=name)
            if rows is not None and len(values) != rows:
                raise mismatch(
                    f"the column {name!r} has {len(values)} values, and those before it {rows}; "
                    "expected columns of one length",
                    column=name,
                )
            rows = len(values)
            self._count(values, f"the column {name!r}")
        missing = [None] * (rows or 0)
        return self._table(lambda name: columns.get(name, missing), rows or 0)

    def matrix(self, rows: Any, names: Any) -> Table:
        """A list of lists, one a row, in the order of these names."""
        self._count(rows, "rows")
        order = self._checked_order(names)
        width = len(order)
        if set(map(type, rows)) != {list} or set(map(len, rows)) != {width}:
            _name_the_odd_row(rows, order)
        turned = dict(zip(order, zip(*rows, strict=True), strict=True))
        missing = (None,) * len(rows)
        return self._table(lambda name: turned.get(name, missing), len(rows))

    def csv(self, body: bytes) -> Table:
        """Comma-separated values, with the names in the first line; an empty cell is a missing value, and so is NA."""
        try:
            lines = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
            rows = [line for line in lines if line]
        except UnicodeDecodeError:
            raise malformed("The body is not UTF-8 text") from None
        except csv.Error as error:
            raise malformed(f"The body is not CSV: {error}") from None
        if not rows:
            raise malformed("The body is empty; expected CSV with the column names in its first line")
        cells: list[list[Any]] = [*rows[1:]]
        by_name = {column.name: column for column in self._signature.columns}
        order = self._checked_order(rows[0])
        for number, row in enumerate(cells):
            if len(row) != len(order):
                raise mismatch(f"row {number} has {len(row)} cells, and the first line {len(order)}", row=number)
            cells[number] = [_cell(text, by_name[name]) for text, name in zip(row, order, strict=True)]
        return self.matrix(cells, order)

    def _count(self, rows: Any, what: str) -> None:
        if type(rows) is not list:
            raise mismatch(f"{what} is {_shown(rows)}; expected a list")
        if not rows:
            raise mismatch(f"{what} is empty; expected at least one row")
        if len(rows) > self._max_rows:
            raise mismatch(f"the request has {len(rows)} rows; this server takes {self._max_rows} at once")

    def _checked_order(self, names: Any) -> list[str]:
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise mismatch(f"the column names are {_shown(names)}; expected a list of text")
        if len(set(names)) != len(names):
            twice = next(name for index, name in enumerate(names) if name in names[:index])
            raise mismatch(f"the column {twice!r} is there twice", column=twice)
        self._check_names(dict.fromkeys(names))
        return names

    def _check_names(self, given: Mapping[str, Any], row: int | None = None) -> None:
        where = "" if row is None else f" in row {row}"
        for name in given:
            if name not in self._names:
                raise mismatch(
                    f"there is no column {name!r}{where}; the model has {_listed(self._signature.names)}",
                    column=name,
                    row=row,
                )
        for column in self._signature.columns:
            if column.required and column.name not in given:
                raise mismatch(f"the column {column.name!r} is missing{where}", column=column.name, row=row)

    def _table(self, values_of: Callable[[str], Sequence[Any]], rows: int) -> Table:
        # A column at a time: to find the shape of nested lists takes longer than to convert them.
        matrix = np.empty((rows, len(self._signature.numeric)))
        for index, column in enumerate(self._signature.numeric):
            values = values_of(column.name)
            if not _are_right(values, column):
                values = [_checked(value, column, number) for number, value in enumerate(values)]
            matrix[:, index] = values
        if (np.abs(matrix) > LARGEST).any():
            self._name_the_largest(matrix)
        if self._no_texts:
            return Table(matrix, np.empty((rows, 0), dtype=object))
        texts = []
        for column in self._signature.textual:
            values = values_of(column.name)
            if not _are_right(values, column):
                values = [_checked(value, column, number) for number, value in enumerate(values)]
            texts.append(values)
        return Table(matrix, object_matrix(texts, rows))

    def _name_the_largest(self, matrix: Any) -> None:
        row, index = np.argwhere(np.abs(matrix) > LARGEST)[0].tolist()
        name = self._signature.numeric[index].name
        raise mismatch(f"{name!r} in row {row} is beyond ±{LARGEST}", column=name, row=row)


def _name_the_odd_row(rows: Sequence[Any], order: Sequence[str]) -> None:
    width = len(order)
    for number, row in enumerate(rows):
        if type(row) is not list:
            raise mismatch(f"row {number} is {_shown(row)}; expected a list of {width} values", row=number)
        if len(row) != width:
            raise mismatch(f"row {number} has {len(row)} values; expected {width}: {_listed(order)}", row=number)


def _are_right(values: Sequence[Any], column: Column) -> bool:
    """Whether all values of a column are as the model takes them, so that none needs a look of its own."""
    types = set(map(type, values))
    missing = column.nullable and NoneType in types
    if missing:
        types.discard(NoneType)
    if not types <= _TYPES[column.kind]:
        return False
    if column.kind not in (WHOLE, TIME):
        return True
    there = [value for value in values if value is not None] if missing else values
    if column.kind == WHOLE:
        limit = _WHOLE_LIMITS[column.type]
        return not there or (-limit <= min(there) and max(there) < limit)
    return all(map(_is_time, there))


def _checked(value: Any, column: Column, row: int) -> Any:
    """A value as the model takes it; this is the slow way, for what is not plainly right."""
    if value is None:
        if column.nullable:
            return None
        raise mismatch(
            f"{column.name!r} in row {row} is null, which the model does not take", column=column.name, row=row
        )
    if column.kind == WHOLE and type(value) is float and value.is_integer() and abs(value) <= _EXACT:
        value = int(value)
    right = type(value) in _TYPES[column.kind]
    if right and column.kind == WHOLE:
        limit = _WHOLE_LIMITS[column.type]
        right = -limit <= value < limit
    if right and column.kind == TIME:
        right = _is_time(value)
    if not right:
        raise mismatch(
            f"{column.name!r} in row {row} is {_shown(value)}; expected {_WORDS[column.kind]}"
            + (f" of {column.type} size" if column.kind == WHOLE and type(value) is int else ""),
            column=column.name,
            row=row,
        )
    return value


def _cell(text: str, column: Column) -> Any:
    """The value that a cell stands for; text that stands for none is left for the check to refuse."""
    bare = text.strip()
    if (text if column.kind == TEXT else bare) in _NULLS:
        return None
    if column.kind == TRUTH:
        return _TRUTHS.get(bare.lower(), text)
    if column.kind in (NUMBER, WHOLE):
        return float(bare) if _DECIMAL.fullmatch(bare) else text
    return text


@lru_cache(_REMEMBERED)
def _is_time(value: str) -> bool:
    if not is_written_date(value):
        return False
    try:
        datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return False
    return True


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value) if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:20]))
    return shown if len(names) <= 20 else f"{shown} and {len(names) - 20} more"  # noqa: PLR2004
