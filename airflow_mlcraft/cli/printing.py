"""Output of the verbs: tables, sentences and questions on a terminal, JSON for programs."""

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

_PIPE_WIDTH = 160
_UNBROKEN_COLUMNS = ("started", "last run", "score", "server")
"""Columns that are never wrapped."""


@functools.cache
def console() -> Console:
    """Return the console for results, on stdout. Output to a pipe has a fixed, large width."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)


@functools.cache
def error_console() -> Console:
    """Return the console for progress, questions and warnings, on stderr."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else _PIPE_WIDTH)


def print_lines(*lines: str) -> None:
    """Print lines with rich's markup on stdout."""
    for line in lines:
        console().print(line, soft_wrap=True)


def print_next_step(command: str, purpose: str) -> None:
    """Print the command that usually comes next."""
    print_lines(f"[dim]Next:[/] [bold]{command}[/] {purpose}")


def escape(text: Any) -> str:
    """Escape a text, so that rich does not read it as markup."""
    from rich.markup import escape

    return escape(str(text))


def print_json(value: Any) -> None:
    """Print a value as JSON on stdout."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False, default=str)
    sys.stdout.write("\n")


def new_table(*columns: str, numbers: Iterable[str] = ()) -> Table:
    """Create a table without lines; columns in `numbers` are aligned to the right."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    number_columns = set(numbers)
    for column in columns:
        side: Any = "right" if column in number_columns else "left"
        table.add_column(column, justify=side, overflow="fold", no_wrap=column in _UNBROKEN_COLUMNS)
    return table


def print_table(rows: Table) -> None:
    """Print a table on stdout."""
    console().print(rows)


def format_score(value: float | None) -> str:
    """Format a score: 0.9790, 1,234.6, 68,310."""
    if value is None:
        return ""
    size = abs(value)
    if not math.isfinite(value) or size >= 1e15:  # noqa: PLR2004
        return f"{value:.4g}"
    return f"{value:.4f}" if size < 1000 else f"{value:,.1f}" if size < 10_000 else f"{value:,.0f}"  # noqa: PLR2004


def format_time(timestamp: str) -> str:
    """Format an ISO time of a record in the local time zone."""
    return f"{datetime.fromisoformat(timestamp).astimezone():%d %b %H:%M}"


def ask_user(question: str, choices: Sequence[str] = (), default: str = "") -> str:
    """Ask a question on the terminal. Returns the answer."""
    from rich.prompt import Prompt

    return Prompt.ask(question, choices=list(choices) or None, default=default, console=error_console())


def confirm(question: str, default: bool = True) -> bool:
    """Ask a question with the answers yes and no on the terminal."""
    from rich.prompt import Confirm

    return Confirm.ask(question, default=default, console=error_console())


def ask_date_format(column: str, formats: Mapping[str, str]) -> str:
    """Ask for the format of a column's dates, in which day and month are ambiguous."""
    day_first = confirm(f"Is the day first in the dates of {column}, such as {formats['example']}?")
    return formats["day_first"] if day_first else formats["month_first"]


def can_ask() -> bool:
    """Whether stdin and stderr are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


@contextmanager
def spinner(text: str, quiet: bool = False) -> Iterator[Any]:
    """Show a spinner on a terminal within the context; yields a function that changes its text."""
    if quiet or not sys.stderr.isatty():
        yield lambda line: None
        return
    with error_console().status(text) as live:
        yield lambda line: live.update(escape(line))
