"""Example rows of a model: made of the ranges and names that its columns have, so that none is a row of the data."""

from __future__ import annotations

from typing import Any

ROWS = 5
_DIGITS = 4
_TEXT = "text"


def example_rows(frame: Any) -> Any:
    """A data frame with the columns and types of this one, and five rows that nobody has given.

    Numbers and times lie evenly between the lowest and the highest, texts are the most frequent names; where a text
    comes once only, as names of people do, it stays out of sight.
    """
    made = {name: _values(frame[name], place) for place, name in enumerate(frame.columns)}
    example = type(frame)(made, columns=list(frame.columns))
    for name in frame.columns:
        if frame[name].dtype.kind in "iufbM":
            example[name] = example[name].astype(frame[name].dtype)
    return example


def _values(column: Any, place: int) -> list[Any]:
    """Each column begins at another place of its range, so that the rows are not all small or all large."""
    there = column.dropna()
    if not len(there):
        return [None] * ROWS
    if column.dtype.kind in "iufM":
        found = _between(there)
    elif all(isinstance(value, bool) for value in there):
        found = [True, False]
    else:
        found = _names(there)
    return [found[(row + place) % len(found)] for row in range(ROWS)]


def _between(there: Any) -> list[Any]:
    low, high = there.min(), there.max()
    if there.dtype.kind == "M":
        days = bool((there == there.dt.normalize()).all())
        times = [low + (high - low) * step / (ROWS - 1) for step in range(ROWS)]
        return [time.normalize() if days else time.floor("s") for time in times]
    low, high = float(low), float(high)
    shares = [step / (ROWS - 1) for step in range(ROWS)]
    numbers = [low * (1 - share) + high * share for share in shares]
    if bool((there == there.round()).all()):
        return [float(round(number)) for number in numbers]
    return [float(f"{number:.{_DIGITS}g}") for number in numbers]


def _names(there: Any) -> list[Any]:
    counts = there.value_counts()
    common = [name for name in counts.index if counts[name] > 1]
    return sorted(common, key=lambda name: (-int(counts[name]), str(name)))[:ROWS] or [_TEXT]
