"""A canvas of terminal cells: widths of texts, boxes, and lines between the layers of a drawing."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field


def one_line(text: str) -> str:
    """The text without line breaks and characters that cannot be printed; never empty."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split()) or "?"


def columns(text: str) -> int:
    """The number of terminal columns of a text."""
    return sum(char_columns(char) for char in text)


def char_columns(char: str) -> int:
    """The number of columns of a character: 0 for a combining character, 2 for wide East Asian characters and emoji,
    else 1.
    """
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def shorten(text: str, limit: int) -> str:
    """The text, cut with an ellipsis if it has more columns than the limit."""
    if columns(text) <= limit:
        return text
    result = ""
    for char in text:
        if columns(result + char) > limit - 1:
            break
        result += char
    return result + "…"


UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8
# Indexed by the sides that a line connects. Both directions together are a crossing: lines never join four-fold.
_LINES = dict(zip(range(1, 16), "│││─┘┐┤─└┌├─┴┬┼", strict=True))
_SIDES = {line: sides for sides, line in _LINES.items()}

_SIDES.update({"│": UP | DOWN, "─": LEFT | RIGHT})  # also for half a line
_SOLID = "─│┌┐└┘"
_DASHED = "╌╎┌┐└┘"


class Canvas:
    """A canvas that grows downwards. The second column of a wide character holds an empty string."""

    def __init__(self, width: int):
        self.width = width
        self.rows: list[list[str]] = []

    def row(self, y: int) -> list[str]:
        """The row with a number, created at the first access."""
        while len(self.rows) <= y:
            self.rows.append([" "] * self.width)
        return self.rows[y]

    def write(self, x: int, y: int, text: str) -> None:
        """Write text from a position on."""
        row = self.row(y)
        for char in text:
            size = char_columns(char)
            if not size:
                row[x - 1] += char
                continue
            row[x : x + size] = [char] + [""] * (size - 1)
            x += size

    def box(self, x: int, y: int, width: int, height: int, *, dashed: bool = False) -> None:
        """Draw the border of a box."""
        flat, upright, *corners = list(_DASHED if dashed else _SOLID)
        self.write(x, y, corners[0] + flat * (width - 2) + corners[1])
        for line in range(y + 1, y + height - 1):
            self.write(x, line, upright)
            self.write(x + width - 1, line, upright)
        self.write(x, y + height - 1, corners[2] + flat * (width - 2) + corners[3])

    def join(self, x: int, y: int, sides: int) -> None:
        """Draw a line segment that connects these sides, merged with the existing one."""
        row = self.row(y)
        row[x] = _LINES[_SIDES.get(row[x], 0) | sides]

    def vertical_line(self, x: int, top: int, bottom: int) -> None:
        """Draw a vertical line from row `top` until before row `bottom`."""
        for y in range(top, bottom):
            self.join(x, y, UP | DOWN)

    def paste(self, x: int, y: int, lines: list[list[str]]) -> None:
        """Write another canvas's rows onto this one."""
        for offset, line in enumerate(lines):
            self.row(y + offset)[x : x + len(line)] = line

    def lines(self) -> list[str]:
        """The canvas as lines of text, without trailing blanks."""
        return ["".join(row).rstrip() for row in self.rows]


@dataclass(slots=True, eq=False)
class Slot:
    """A cell of a layer in whole columns, `left` to `right` with its borders, and the lines that end at it."""

    node: int | None
    left: int
    right: int
    sources: list[Slot] = field(default_factory=list)
    targets: list[Slot] = field(default_factory=list)
    leaves: int = 0
    """The column of the line that leaves downwards; for a bend, the column of the incoming line."""

    @property
    def middle(self) -> int:
        """The middle column."""
        return (self.left + self.right) // 2


@dataclass(slots=True)
class Channel:
    """The lines between a layer and the next."""

    upper: list[Slot]
    lower: list[Slot]
    arrivals: dict[tuple[int, int], int] = field(default_factory=dict)
    """The column by which the line of a source (by id) arrives at a target (by id)."""
    rows: list[list[Slot]] = field(default_factory=list)
    """The sources whose lines run across in the same row."""

    def __post_init__(self) -> None:
        self._choose_columns()
        self._choose_rows()

    @property
    def height(self) -> int:
        """The number of rows: the horizontal ones, and one for the arrow heads."""
        return max(1, len(self.rows)) + 1

    def draw(self, canvas: Canvas, top: int) -> None:
        """Draw all lines into the rows from `top` on."""
        across = {id(source): top + row for row, sources in enumerate(self.rows) for source in sources}
        bottom = top + self.height
        for source in self.upper:
            if not source.targets:
                continue
            columns = self._columns(source)
            y = across.get(id(source), bottom - 1)
            canvas.vertical_line(source.leaves, top, y)
            if id(source) in across:
                self._draw_across(canvas, source, columns, y)
                for column in columns:
                    canvas.vertical_line(column, y + 1, bottom - 1)
            for target, column in zip(source.targets, columns, strict=True):
                canvas.write(column, bottom - 1, "│" if target.node is None else "▼")

    @staticmethod
    def _draw_across(canvas: Canvas, source: Slot, columns: list[int], y: int) -> None:
        left, right = min(source.leaves, *columns), max(source.leaves, *columns)
        for x in range(left, right + 1):
            along = LEFT * (x > left) | RIGHT * (x < right)
            canvas.join(x, y, along | UP * (x == source.leaves) | DOWN * (x in columns))

    def _columns(self, source: Slot) -> list[int]:
        return [self.arrivals[id(source), id(target)] for target in source.targets]

    def _choose_columns(self) -> None:
        """Choose a column for each line: straight down if possible, else near the middle, where no line starts."""
        for source in self.upper:
            if source.node is not None:
                source.leaves = source.middle
        starts = {source.leaves: source for source in self.upper if source.targets}
        for target in self.lower:
            free = list(range(target.left + 1, target.right))
            if target.node is None:
                free = [target.middle, target.left, target.right]
            count = len(target.sources)
            for place, source in enumerate(sorted(target.sources, key=lambda slot: slot.leaves)):
                preferred = self._preferred_column(source, target, place, count)
                # A trunk may continue straight; a box with many targets branches beside its own column.
                own = source if source.node is None or len(source.targets) == 1 else None
                open_to = [column for column in free if column not in starts or starts[column] is own]
                column = min(open_to or free, key=lambda column: (abs(column - preferred), column))
                self.arrivals[id(source), id(target)] = column
                free = [other for other in free if abs(other - column) > 1] or free
                if target.node is None:
                    target.leaves = column
                if source.node is not None and own is source and source.left < column < source.right:
                    source.leaves = column

    @staticmethod
    def _preferred_column(source: Slot, target: Slot, place: int, count: int) -> int:
        """The best column for a line to arrive: below its source, or at its share of the target's border."""
        share = target.left + (target.right - target.left) * (place + 1) // (count + 1)
        if len(source.targets) > 1:
            return share
        if source.node is None:
            return source.leaves if count == 1 else share
        left, right = max(source.left, target.left), min(source.right, target.right)
        return (left + right) // 2 if count == 1 and left < right else share

    def _choose_rows(self) -> None:
        """Choose rows so that lines in one row have a column between them."""
        ends: list[int] = []
        spans = []
        for source in self.upper:
            columns = [source.leaves, *self._columns(source)]
            if min(columns) != max(columns):
                spans.append((min(columns), max(columns), source))
        for left, right, source in sorted(spans, key=lambda span: span[:2]):
            row = next((row for row, end in enumerate(ends) if end + 1 < left), len(ends))
            if row == len(ends):
                ends.append(right)
                self.rows.append([])
            ends[row] = right
            self.rows[row].append(source)
