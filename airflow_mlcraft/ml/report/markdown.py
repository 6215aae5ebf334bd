"""A report as Markdown, with its plots as files beside it."""

from __future__ import annotations

import re

from airflow_mlcraft.ml.report.page import Cell, Page, Table

_SIGNS = re.compile(r"[\\`*|<>\[\]#]|(?<!\w)_|_(?!\w)")


def markdown(page: Page, plots: str = "plots") -> str:
    """The whole report; `plots` is the folder of the pictures."""
    parts = [f"# {_plain(page.title)}", f"**{_plain(page.headline)}**"]
    parts.append("\n".join(f"- {_plain(name)}: {_plain(value)}" for name, value in page.facts))
    parts += [f"> {_plain(note)}" for note in page.notes]
    for table in page.tables:
        parts += _section(table)
    for one in page.pictures:
        parts += [f"## {_plain(one.title)}", f"![{_plain(one.title)}]({plots}/{one.name}.png)", _plain(one.caption)]
    for table in page.details:
        parts += _section(table)
    return "\n\n".join(parts) + "\n"


def _section(table: Table) -> list[str]:
    found = [f"## {_plain(table.title)}", _table(table)]
    return [*found, _plain(table.note)] if table.note else found


def _table(table: Table) -> str:
    numeric = [all(row[place].number for row in table.rows) for place in range(len(table.header))]
    lines = [table.header, ["--:" if one else "---" for one in numeric]]
    lines += [[_cell(cell) for cell in row] for row in table.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(cell: Cell) -> str:
    text = _plain(cell.text)
    return f"**{text}**" if cell.strong and text else text


def _plain(text: str) -> str:
    """Text that means nothing in Markdown."""
    return _SIGNS.sub(r"\\\g<0>", " ".join(text.split()))
