"""Profile of a data set as lines for the log."""

from __future__ import annotations

from typing import Any

from airflow_mlcraft.common.text import shorten
from airflow_mlcraft.steps.sources.source import format_bytes

_MAX_COLUMNS = 40
_MAX_NAME_LENGTH = 30


def format_profile(profile: dict[str, Any], length: int) -> list[str]:
    """Lines with the size, a table with one row for each column, and the notes of a profile. `length` is in bytes."""
    columns = profile["columns"]
    file_format = [profile["format"], profile.get("encoding", ""), profile.get("compression", "")]
    format_parts = ", ".join(part for part in file_format if part)
    lines = [f"{profile['rows']:,} rows, {len(columns):,} columns, {format_bytes(length)} ({format_parts})"]
    rows = [("column", "type", "nulls", "distinct", "range")]
    rows += [_row(name, column) for name, column in list(columns.items())[:_MAX_COLUMNS]]
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append("  ".join([*cells, row[4]]).rstrip())
    if len(columns) > _MAX_COLUMNS:
        lines.append(f"… and {len(columns) - _MAX_COLUMNS:,} more columns, in profile.json")
    notes = profile.get("notes", [])
    lines += [f"note: {note}" for note in notes[:_MAX_COLUMNS]]
    if len(notes) > _MAX_COLUMNS:
        lines.append(f"… and {len(notes) - _MAX_COLUMNS:,} more notes, in profile.json")
    return lines


def _row(name: str, column: dict[str, Any]) -> tuple[str, str, str, str, str]:
    distinct = column["distinct"]
    distinct_text = f"> {column['distinct_more_than']:,}" if distinct is None else f"{distinct:,}"
    return (
        shorten(" ".join(name.split()), _MAX_NAME_LENGTH),
        column["type"],
        f"{column['nulls']:,}",
        distinct_text,
        _range(column),
    )


def _range(column: dict[str, Any]) -> str:
    if "min" not in column:
        return f"up to {column['longest']:,} characters" if "longest" in column else ""
    if "mean" not in column:
        return f"{column['min']} … {column['max']}"
    return f"{column['min']:.6g} … {column['max']:.6g}, mean {column['mean']:.6g}"
