"""A profile as a few lines for the log."""

from __future__ import annotations

from typing import Any

from airflow_mlcraft.steps.sources.source import size

_COLUMNS = 40
_WIDEST = 30


def profile_lines(profile: dict[str, Any], length: int) -> list[str]:
    """Rows and columns; one line a column with type, nulls, distinct values and range; what is odd."""
    columns = profile["columns"]
    words = [profile["format"], profile.get("encoding", ""), profile.get("compression", "")]
    head = ", ".join(word for word in words if word)
    lines = [f"{profile['rows']:,} rows, {len(columns):,} columns, {size(length)} ({head})"]
    rows = [("column", "type", "nulls", "distinct", "range")]
    rows += [_row(name, column) for name, column in list(columns.items())[:_COLUMNS]]
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append("  ".join([*cells, row[4]]).rstrip())
    if len(columns) > _COLUMNS:
        lines.append(f"… and {len(columns) - _COLUMNS:,} more columns, in profile.json")
    notes = profile.get("notes", [])
    lines += [f"note: {note}" for note in notes[:_COLUMNS]]
    if len(notes) > _COLUMNS:
        lines.append(f"… and {len(notes) - _COLUMNS:,} more notes, in profile.json")
    return lines


def _row(name: str, column: dict[str, Any]) -> tuple[str, str, str, str, str]:
    distinct = column["distinct"]
    counted = f"> {column['distinct_more_than']:,}" if distinct is None else f"{distinct:,}"
    return _short(name), column["type"], f"{column['nulls']:,}", counted, _range(column)


def _range(column: dict[str, Any]) -> str:
    if "min" not in column:
        return f"up to {column['longest']:,} characters" if "longest" in column else ""
    if "mean" not in column:
        return f"{column['min']} … {column['max']}"
    return f"{column['min']:.6g} … {column['max']:.6g}, mean {column['mean']:.6g}"


def _short(name: str) -> str:
    plain = " ".join(name.split())
    return plain if len(plain) <= _WIDEST else f"{plain[: _WIDEST - 1]}…"
