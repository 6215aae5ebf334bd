"""CSV dialect of a file, detected from its content: delimiter, quote, decimal mark and header."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

_DELIMITERS = ",;\t|"
_ROWS = 200
_CONSISTENT = 0.6
_NUMBER = re.compile(r"\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*")
_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*")
_THOUSANDS = re.compile(r"\s*[+-]?\d{1,3},\d{3}\s*")
_POINT = re.compile(r"\s*[+-]?\d*\.\d+([eE][+-]?\d+)?\s*")
_WIDEST = 1 << 30


@dataclass(frozen=True)
class Dialect:
    """A CSV dialect. Without a header, columns are named by their positions."""

    delimiter: str = ","
    quote: str = '"'
    decimal: str = "."
    header: bool = True


def detect_dialect(sample: str, *, cut: bool, is_csv: bool = False) -> Dialect | None:
    """The dialect of the lines in `sample`, or None if they do not look like CSV.

    `cut` means that the file continues after the sample. `is_csv` means that the format is known, so that uneven
    rows are accepted.
    """
    best: tuple[float, Dialect, list[list[str]]] | None = None
    for delimiter in _DELIMITERS:
        quote = _quote(sample, delimiter)
        rows = _rows(sample, delimiter, quote, cut=cut)
        score = _score(rows, delimiter, at_least=0 if is_csv else _CONSISTENT)
        if score and (best is None or score > best[0]):
            best = score, Dialect(delimiter, quote), rows
    if best is None:
        rows = _rows(sample, ",", '"', cut=cut)
        if not is_csv and not _is_one_column_of_numbers(rows):
            return None
        best = 0, Dialect(), rows
    _, dialect, rows = best
    decimal = "," if dialect.delimiter != "," and _has_decimal_commas(rows) else "."
    return Dialect(dialect.delimiter, dialect.quote, decimal, _has_header(rows))


@contextmanager
def allow_long_fields() -> Iterator[None]:
    """Let Python's CSV reader accept fields of any length within the context."""
    previous = csv.field_size_limit(_WIDEST)
    try:
        yield
    finally:
        csv.field_size_limit(previous)


def is_number(cell: str) -> bool:
    """Whether a cell is a number, with a point or a comma."""
    return _NUMBER.fullmatch(cell) is not None


def _rows(sample: str, delimiter: str, quote: str, *, cut: bool) -> list[list[str]]:
    with allow_long_fields():
        rows = list(islice(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, quotechar=quote), _ROWS))
    if cut and 1 < len(rows) < _ROWS:
        rows.pop()
    return [row for row in rows if row]


def _quote(sample: str, delimiter: str) -> str:
    """The quote character; a single quote only if one encloses a delimiter."""
    mark = re.escape(delimiter)
    single = rf"(?:^|{mark})'[^'\n]*{mark}[^'\n]*'(?:{mark}|\r?$)"
    return "'" if '"' not in sample and re.search(single, sample, re.MULTILINE) else '"'


def _score(rows: list[list[str]], delimiter: str, *, at_least: float) -> float:
    """A score of a delimiter: high for the same number of fields in each row without other delimiters in them."""
    if not rows:
        return 0
    width, count = Counter(map(len, rows)).most_common(1)[0]
    even = count / len(rows)
    if width == 1 or even < at_least or (at_least and len(rows) == 1):
        return 0
    others = set(_DELIMITERS) - {",", delimiter}
    cells = [cell for row in rows for cell in row]
    mixed = sum(1 for cell in cells if others & set(cell)) / len(cells)
    return even * (1 - mixed) + min(width, 100) / 1e4


def _is_one_column_of_numbers(rows: list[list[str]]) -> bool:
    return len(rows) > 1 and all(len(row) == 1 and is_number(row[0]) for row in rows[1:])


def _has_decimal_commas(rows: list[list[str]]) -> bool:
    cells = [cell for row in rows for cell in row]
    commas = [cell for cell in cells if _COMMA.fullmatch(cell)]
    return any(not _THOUSANDS.fullmatch(cell) for cell in commas) and not any(map(_POINT.fullmatch, cells))


def _has_header(rows: list[list[str]]) -> bool:
    """Whether the first row is a header: it is not where it has numbers above numbers, unless they are consecutive."""
    if len(rows) < 2:  # noqa: PLR2004
        return not rows or not any(map(is_number, rows[0]))
    first, rest = rows[0], rows[1:]
    numeric = [place for place in range(len(first)) if _is_numeric([row[place] for row in rest if place < len(row)])]
    names = [first[place] for place in numeric]
    return not any(map(is_number, names)) or _are_consecutive(names)


def _is_numeric(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell.strip()]
    return bool(filled) and all(map(is_number, filled))


def _are_consecutive(names: Sequence[str]) -> bool:
    if len(names) < 2 or not all(name.strip().isdecimal() for name in names):  # noqa: PLR2004
        return False
    numbers = [int(name) for name in names]
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))
