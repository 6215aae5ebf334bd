"""Report page: its content, and its form as HTML and as Markdown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape
from typing import NamedTuple


class Cell(NamedTuple):
    """One field of a table."""

    text: str
    strong: bool = False
    number: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under a heading."""

    title: str
    header: list[str]
    rows: list[list[Cell]]
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """A plot, as SVG to be put into a page and as a PNG file."""

    name: str
    title: str
    caption: str
    svg: str
    png: bytes


@dataclass(frozen=True)
class Page:
    """The content of a report."""

    title: str
    headline: str
    good: bool
    facts: list[tuple[str, str]]
    tables: list[Table]
    pictures: list[Picture]
    details: list[Table]
    notes: list[str] = field(default_factory=list)


def format_number(value: float | None) -> str:
    """A number with five digits; a dash for None."""
    return "-" if value is None else f"{value:.5g}"


_CSS = """
:root{color-scheme:light dark;--ink:#23303c;--quiet:#5d6b78;--line:#d9dfe5;--page:#f5f7f9;--card:#fff;--accent:#2f6fde;
--good:#1c7f57;--good-back:#e4f5ec;--bad:#a8333f;--bad-back:#fbe9ea}
@media(prefers-color-scheme:dark){:root{--ink:#e3e8ed;--quiet:#9aa7b4;--line:#3a4551;--page:#12181e;--card:#1b232b;
--accent:#7ba7f5;--good:#6fd3a6;--good-back:#15332a;--bad:#f19aa3;--bad-back:#3a1d22}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1200px;margin:0 auto;padding:28px 20px 60px}
h1{font-size:26px;line-height:1.25;margin:0 0 12px}
h2{font-size:17px;margin:0 0 10px}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:18px 20px;margin:16px 0}
.verdict{padding:14px 18px;border-radius:10px;font-weight:600;background:var(--bad-back);color:var(--bad)}
.verdict.good{background:var(--good-back);color:var(--good)}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(160px,1fr));gap:12px 24px;margin:0}
dt{color:var(--quiet);font-size:12px;text-transform:uppercase;letter-spacing:.04em}
dd{margin:0;font-size:16px;overflow-wrap:anywhere}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:6px 10px;text-align:left;border-bottom:1px solid var(--line);white-space:nowrap}
tr:last-child td{border-bottom:0}
th{color:var(--quiet);font-size:12px;font-weight:600}
.number{text-align:right}
td strong{color:var(--accent)}
p.note,figcaption{color:var(--quiet);font-size:13px;margin:10px 0 0}
ul.notes{margin:0;padding-left:20px}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:16px}
.plots section{margin:0}
figure{margin:0}
figure svg{width:100%;height:auto;font-family:inherit}
"""


def to_html(page: Page) -> str:
    """The report as one HTML file without scripts and external resources, in a light and a dark scheme."""
    facts = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in page.facts)
    notes = "".join(f"<li>{escape(note)}</li>" for note in page.notes)
    parts = [
        f"<h1>{escape(page.title)}</h1>",
        f'<p class="verdict{" good" if page.good else ""}">{escape(page.headline)}</p>',
        f"<section><dl>{facts}</dl></section>",
        f'<section><h2>Worth knowing</h2><ul class="notes">{notes}</ul></section>' if notes else "",
        *map(_table, page.tables),
        f'<div class="plots">{"".join(map(_figure, page.pictures))}</div>',
        *map(_table, page.details),
    ]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(page.title)}</title><style>{_CSS}</style>"
    )
    body = "\n".join(part for part in parts if part)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body><main>\n{body}\n</main></body></html>\n'


def _table(table: Table) -> str:
    numeric = [all(row[place].number for row in table.rows) for place in range(len(table.header))]
    head = "".join(f"<th{_right(one)}>{escape(name)}</th>" for name, one in zip(table.header, numeric, strict=True))
    rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in table.rows)
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    return (
        f'<section><h2>{escape(table.title)}</h2><div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{note}</section>"
    )


def _cell(cell: Cell) -> str:
    text = escape(cell.text)
    return f"<td{_right(cell.number)}>{f'<strong>{text}</strong>' if cell.strong else text}</td>"


def _right(number: bool) -> str:
    return ' class="number"' if number else ""


def _figure(one: Picture) -> str:
    caption = f"<figcaption>{escape(one.caption)}</figcaption>"
    return f"<section><h2>{escape(one.title)}</h2><figure>{one.svg}{caption}</figure></section>"


_MARKDOWN_CHARACTERS = re.compile(r"[\\`*|<>\[\]#]|(?<!\w)_|_(?!\w)")


def to_markdown(page: Page, plots: str = "plots") -> str:
    """The report as Markdown; `plots` is the folder of its pictures."""
    parts = [f"# {_escape_markdown(page.title)}", f"**{_escape_markdown(page.headline)}**"]
    parts.append("\n".join(f"- {_escape_markdown(name)}: {_escape_markdown(value)}" for name, value in page.facts))
    parts += [f"> {_escape_markdown(note)}" for note in page.notes]
    for table in page.tables:
        parts += _section(table)
    for one in page.pictures:
        parts += [
            f"## {_escape_markdown(one.title)}",
            f"![{_escape_markdown(one.title)}]({plots}/{one.name}.png)",
            _escape_markdown(one.caption),
        ]
    for table in page.details:
        parts += _section(table)
    return "\n\n".join(parts) + "\n"


def _section(table: Table) -> list[str]:
    found = [f"## {_escape_markdown(table.title)}", _markdown_table(table)]
    return [*found, _escape_markdown(table.note)] if table.note else found


def _markdown_table(table: Table) -> str:
    numeric = [all(row[place].number for row in table.rows) for place in range(len(table.header))]
    lines = [table.header, ["--:" if one else "---" for one in numeric]]
    lines += [[_markdown_cell(cell) for cell in row] for row in table.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _markdown_cell(cell: Cell) -> str:
    text = _escape_markdown(cell.text)
    return f"**{text}**" if cell.strong and text else text


def _escape_markdown(text: str) -> str:
    """The text on one line, with characters escaped that have a meaning in Markdown."""
    return _MARKDOWN_CHARACTERS.sub(r"\\\g<0>", " ".join(text.split()))
