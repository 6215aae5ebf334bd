"""Fast forms of the transformers in `airflow_mlcraft.ml`: column types, date parts and booleans."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any

import numpy as np

from airflow_mlcraft.serving.model.fast_transformers import TRANSFORMERS, Array, ArrayFunction, NoFastFormError
from airflow_mlcraft.serving.model.tables import Table

Positions = dict[str, tuple[bool, int]]
_NUMERIC_KINDS = ("number", "boolean")


def is_typed_columns(step: Any) -> bool:
    """Whether the step is `airflow_mlcraft.ml.columns.Columns`."""
    return type(step).__name__ == "Columns" and type(step).__module__ == "airflow_mlcraft.ml.columns"


def build_typed_columns(step: Any, positions: Positions) -> tuple[Callable[[Table], Table], list[str], Positions]:
    """The fast form of `Columns`: a function of tables, the names of its output columns, and their positions."""
    number_indexes: list[int] = []
    formats = getattr(step, "formats", None) or {}
    new_positions: Positions = {}
    texts = sum(not numeric for numeric, _ in positions.values())
    for name, kind in step.kinds.items():
        numeric, index = positions[name]
        if numeric == (kind in _NUMERIC_KINDS):
            new_positions[name] = (numeric, index)
        elif numeric and kind == "category":
            new_positions[name] = (False, texts + len(number_indexes))
            number_indexes.append(index)
        else:
            raise NoFastFormError
    formats_by_index = {new_positions[name][1]: (name, date_format) for name, date_format in formats.items()}
    if not number_indexes:
        return (lambda table: _parse_dates(table, formats_by_index)), list(step.kinds), new_positions

    def convert(table: Table) -> Table:
        table = _parse_dates(table, formats_by_index)
        categories = np.empty((len(table), len(number_indexes)), dtype=object)
        for column, index in enumerate(number_indexes):
            categories[:, column] = [_to_category_text(value) for value in table.numbers[:, index].tolist()]
        return Table(table.numbers, np.hstack([table.texts, categories]))

    return convert, list(step.kinds), new_positions


def _parse_dates(table: Table, formats_by_index: Mapping[int, tuple[str, str]]) -> Table:
    """Convert dates from the format of the source to ISO 8601."""
    if not formats_by_index:
        return table
    texts = table.texts.copy()
    for index, (name, date_format) in formats_by_index.items():
        texts[:, index] = [_to_iso_date(value, name, date_format) for value in texts[:, index]]
    return Table(table.numbers, texts)


def _to_iso_date(value: Any, name: str, date_format: str) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        return datetime.strptime(value, date_format).isoformat()
    except ValueError:
        raise ValueError(f"{name!r} is {value!r}; expected a date as {date_format}") from None


def _to_category_text(value: float) -> str | None:
    if value != value:  # noqa: PLR0124 - missing
        return None
    return str(int(value)) if value.is_integer() else str(value)


def _build_date_parts(_: Any) -> ArrayFunction:
    def run(array: Array) -> Array:
        result = np.empty((len(array), _PART_COUNT * array.shape[1]))
        for column, values in enumerate(array.T.tolist()):
            packed = np.fromiter(map(_pack_date_parts, values), np.int64, len(values))
            missing = packed < 0
            for part, size in enumerate(_PART_SIZES):
                packed, result[:, _PART_COUNT * column + part] = np.divmod(packed, size)
            if missing.any():
                result[missing, _PART_COUNT * column : _PART_COUNT * (column + 1)] = np.nan
        return result

    return run


_PART_SIZES = (10_000, 16, 32, 8, 32)
"""Upper bounds (exclusive) of year, month, day, day of the week and hour, for packing them into one integer."""
_PART_COUNT = len(_PART_SIZES)
_CACHE_SIZE = 8192


@lru_cache(_CACHE_SIZE)
def _pack_date_parts(value: Any) -> int:
    """The date parts of a datetime text, packed into one integer so that the cache is small; -1 for any other value."""
    time = _parse_datetime(value) if isinstance(value, str) else None
    if time is None:
        return -1
    packed = 0
    for part, size in zip(_get_date_parts(time)[::-1], _PART_SIZES[::-1], strict=True):
        packed = packed * size + part
    return packed


def _get_date_parts(time: datetime) -> tuple[int, ...]:
    return time.year, time.month, time.day, time.weekday(), time.hour


def _parse_datetime(value: str) -> datetime | None:
    try:
        parsed = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return None
    return parsed if parsed.tzinfo is None else parsed.astimezone(timezone.utc).replace(tzinfo=None)


def _build_boolean(_: Any) -> ArrayFunction:
    return lambda array: array


TRANSFORMERS["DateParts"] = _build_date_parts
TRANSFORMERS["Truth"] = _build_boolean
