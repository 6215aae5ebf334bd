"""Synthetic example rows of a model, from the ranges and categories of its columns; none is a row of the data."""

from __future__ import annotations

from typing import Any

ROWS = 5
_DIGITS = 4
_TEXT = "text"


def example_rows(frame: Any) -> Any:
    """A frame with the columns and types of this one, and five synthetic rows.

    Numbers and times are evenly spaced between minimum and maximum, texts are the most frequent ones. Texts that occur
    only once, such as names of people, are not used.
    """
    values = {name: _values(frame[name], place) for place, name in enumerate(frame.columns)}
    example = type(frame)(values, columns=list(frame.columns))
    for name in frame.columns:
        if frame[name].dtype.kind in "iufbM":
            example[name] = example[name].astype(frame[name].dtype)
    return example


def _values(column: Any, place: int) -> list[Any]:
    """Values of a column. Each column starts at another point of its range, so that rows mix low and high values."""
    present = column.dropna()
    if not len(present):
        return [None] * ROWS
    if column.dtype.kind in "iufM":
        candidates = _evenly_spaced(present)
    elif all(isinstance(value, bool) for value in present):
        candidates = [True, False]
    else:
        candidates = _frequent_texts(present)
    return [candidates[(row + place) % len(candidates)] for row in range(ROWS)]


def _evenly_spaced(present: Any) -> list[Any]:
    low, high = present.min(), present.max()
    if present.dtype.kind == "M":
        days = bool((present == present.dt.normalize()).all())
        times = [low + (high - low) * step / (ROWS - 1) for step in range(ROWS)]
        return [time.normalize() if days else time.floor("s") for time in times]
    low, high = float(low), float(high)
    shares = [step / (ROWS - 1) for step in range(ROWS)]
    numbers = [low * (1 - share) + high * share for share in shares]
    if bool((present == present.round()).all()):
        return [float(round(number)) for number in numbers]
    return [float(f"{number:.{_DIGITS}g}") for number in numbers]


def _frequent_texts(present: Any) -> list[Any]:
    counts = present.value_counts()
    common = [name for name in counts.index if counts[name] > 1]
    return sorted(common, key=lambda name: (-int(counts[name]), str(name)))[:ROWS] or [_TEXT]
