"""How results are shown: tables and sentences for people, JSON for programs; colours where a terminal takes them."""

from __future__ import annotations

import functools
import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_WIDE = 160
_WHOLE = ("started", "last run", "score", "server")
"""Columns that are never broken."""


@functools.cache
def console() -> Console:
    """For results: stdout. A pipe has no width that lines would have to keep to."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)


@functools.cache
def aside() -> Console:
    """For what goes on meanwhile: stderr."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else _WIDE)


def say(*lines: str) -> None:
    """Sentences, in rich's markup."""
    for line in lines:
        console().print(line, soft_wrap=True)


def next_step(command: str, what: str) -> None:
    """What is to be done after this."""
    say(f"[dim]Next:[/] [bold]{command}[/] {what}")


def plain(text: Any) -> str:
    """A text that is shown as it is, whatever signs it has."""
    from rich.markup import escape

    return escape(str(text))


def print_json(value: Any) -> None:
    """One value on stdout."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False, default=str)
    sys.stdout.write("\n")


def table(*columns: str, numbers: Iterable[str] = ()) -> Table:
    """A table without lines; the columns of numbers go to the right."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, header_style="dim")
    right = set(numbers)
    for column in columns:
        side: Any = "right" if column in right else "left"
        made.add_column(column, justify=side, overflow="fold", no_wrap=column in _WHOLE)
    return made


def show(rows: Table) -> None:
    """A table on stdout."""
    console().print(rows)


def number(value: float | None) -> str:
    """A score as people read it: 0.9790, 1,234.6, 68,310."""
    if value is None:
        return ""
    size = abs(value)
    if not math.isfinite(value) or size >= 1e15:  # noqa: PLR2004
        return f"{value:.4g}"
    return f"{value:.4f}" if size < 1000 else f"{value:,.1f}" if size < 10_000 else f"{value:,.0f}"  # noqa: PLR2004


def when(moment: str) -> str:
    """A moment of a record, by the clock of who looks."""
    return f"{datetime.fromisoformat(moment).astimezone():%d %b %H:%M}"


def ask(question: str, choices: Sequence[str] = (), default: str = "") -> str:
    """An answer from the terminal."""
    from rich.prompt import Prompt

    return Prompt.ask(question, choices=list(choices) or None, default=default, console=aside())


def confirm(question: str, default: bool = True) -> bool:
    """Yes or no, from the terminal."""
    from rich.prompt import Confirm

    return Confirm.ask(question, default=default, console=aside())


def ask_date_format(column: str, about: Mapping[str, str]) -> str:
    """How the dates of a column are written, where day and month can be either."""
    day_first = confirm(f"Is the day first in the dates of {column}, such as {about['example']}?")
    return about["day_first"] if day_first else about["month_first"]


def can_ask() -> bool:
    """Whether somebody sits at a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


@contextmanager
def status(what: str, quiet: bool = False) -> Iterator[Any]:
    """A sign that something goes on, for as long as it does; gives what changes its words."""
    if quiet or not sys.stderr.isatty():
        yield lambda line: None
        return
    with aside().status(what) as spinner:
        yield lambda line: spinner.update(plain(line))
