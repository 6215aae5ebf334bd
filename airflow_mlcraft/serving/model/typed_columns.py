"""The first steps of a model that `mlcraft-step train` has made, as functions on plain arrays.

They bring columns into their kinds, and take times apart; here each column is of one type already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any

import numpy as np

from airflow_mlcraft.serving.model.fast_transformers import KNOWN, Array, NotPlain, Step
from airflow_mlcraft.serving.model.tables import Table

Place = dict[str, tuple[bool, int]]
_NUMBERS = ("number", "boolean")


def is_columns(step: Any) -> bool:
    """Whether this is the step that brings columns into their kinds."""
    return type(step).__name__ == "Columns" and type(step).__module__ == "airflow_mlcraft.ml.columns"


def columns(step: Any, place: Place) -> tuple[Callable[[Table], Table], list[str], Place]:
    """What it does to a table, its columns, and where they are then."""
    worded: list[int] = []
    formats = getattr(step, "formats", None) or {}
    made: Place = {}
    texts = sum(not numeric for numeric, _ in place.values())
    for name, kind in step.kinds.items():
        numeric, index = place[name]
        if numeric == (kind in _NUMBERS):
            made[name] = (numeric, index)
        elif numeric and kind == "category":
            made[name] = (False, texts + len(worded))
            worded.append(index)
        else:
            raise NotPlain
    written = {made[name][1]: (name, form) for name, form in formats.items()}
    if not worded:
        return (lambda table: _with_times(table, written)), list(step.kinds), made

    def with_words(table: Table) -> Table:
        table = _with_times(table, written)
        words = np.empty((len(table), len(worded)), dtype=object)
        for column, index in enumerate(worded):
            words[:, column] = [_word(value) for value in table.numbers[:, index].tolist()]
        return Table(table.numbers, np.hstack([table.texts, words]))

    return with_words, list(step.kinds), made


def _with_times(table: Table, written: Mapping[int, tuple[str, str]]) -> Table:
    """Dates in the way that the source writes them become ISO 8601."""
    if not written:
        return table
    texts = table.texts.copy()
    for index, (name, form) in written.items():
        texts[:, index] = [_iso(value, name, form) for value in texts[:, index]]
    return Table(table.numbers, texts)


def _iso(value: Any, name: str, form: str) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        return datetime.strptime(value, form).isoformat()
    except ValueError:
        raise ValueError(f"{name!r} is {value!r}; expected a date as {form}") from None


def _word(value: float) -> str | None:
    if value != value:  # noqa: PLR0124 - missing
        return None
    return str(int(value)) if value.is_integer() else str(value)


def _date_parts(_: Any) -> Step:
    def run(array: Array) -> Array:
        made = np.empty((len(array), _PARTS * array.shape[1]))
        for column, values in enumerate(array.T.tolist()):
            packed = np.fromiter(map(_packed_parts, values), np.int64, len(values))
            missing = packed < 0
            for part, size in enumerate(_SIZES):
                packed, made[:, _PARTS * column + part] = np.divmod(packed, size)
            if missing.any():
                made[missing, _PARTS * column : _PARTS * (column + 1)] = np.nan
        return made

    return run


_SIZES = (10_000, 16, 32, 8, 32)
"""More than the largest year, month, day, day of the week and hour."""
_PARTS = len(_SIZES)
_REMEMBERED = 8192


@lru_cache(_REMEMBERED)
def _packed_parts(value: Any) -> int:
    """Year, month, day, day of the week and hour of a time as text, in one number; -1 where it is none."""
    time = _time(value) if isinstance(value, str) else None
    if time is None:
        return -1
    packed = 0
    for part, size in zip(_parts_of(time)[::-1], _SIZES[::-1], strict=True):
        packed = packed * size + part
    return packed


def _parts_of(time: datetime) -> tuple[int, ...]:
    return time.year, time.month, time.day, time.weekday(), time.hour


def _time(value: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo is None else found.astimezone(timezone.utc).replace(tzinfo=None)


def _truth(_: Any) -> Step:
    return lambda array: array


KNOWN["DateParts"] = _date_parts
KNOWN["Truth"] = _truth
