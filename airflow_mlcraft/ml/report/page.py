"""What a report says, before it is written in any format."""

from __future__ import annotations

from dataclasses import dataclass, field
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
    """A whole report."""

    title: str
    headline: str
    good: bool
    facts: list[tuple[str, str]]
    tables: list[Table]
    pictures: list[Picture]
    details: list[Table]
    notes: list[str] = field(default_factory=list)


def number(value: float | None) -> str:
    """Five digits are enough to tell models apart."""
    return "-" if value is None else f"{value:.5g}"
