"""A sheet of terminal columns: text, boxes, and lines that join where they meet."""

from __future__ import annotations

from airflow_mlcraft.cwl.drawing.cells import char_columns

UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8
# By the sides that a line leaves to. Both ways through is a crossing: lines never join four-fold.
_LINES = dict(zip(range(1, 16), "│││─┘┐┤─└┌├─┴┬┼", strict=True))
_SIDES = {line: sides for sides, line in _LINES.items()}
_SIDES.update({"│": UP | DOWN, "─": LEFT | RIGHT})  # also written for half a line
_SOLID = "─│┌┐└┘"
_DASHED = "╌╎┌┐└┘"


class Canvas:
    """Grows downwards as it is drawn on. A wide character fills its second column with an empty string."""

    def __init__(self, width: int):
        self.width = width
        self.rows: list[list[str]] = []

    def row(self, y: int) -> list[str]:
        """The row, made when it is first asked for."""
        while len(self.rows) <= y:
            self.rows.append([" "] * self.width)
        return self.rows[y]

    def write(self, x: int, y: int, text: str) -> None:
        """Put text from that place on."""
        row = self.row(y)
        for char in text:
            size = char_columns(char)
            if not size:
                row[x - 1] += char
                continue
            row[x : x + size] = [char] + [""] * (size - 1)
            x += size

    def box(self, x: int, y: int, width: int, height: int, *, dashed: bool = False) -> None:
        """The border of a box."""
        flat, upright, *corners = list(_DASHED if dashed else _SOLID)
        self.write(x, y, corners[0] + flat * (width - 2) + corners[1])
        for line in range(y + 1, y + height - 1):
            self.write(x, line, upright)
            self.write(x + width - 1, line, upright)
        self.write(x, y + height - 1, corners[2] + flat * (width - 2) + corners[3])

    def join(self, x: int, y: int, sides: int) -> None:
        """A piece of line that leaves to those sides, merged with what is there."""
        row = self.row(y)
        row[x] = _LINES[_SIDES.get(row[x], 0) | sides]

    def upright(self, x: int, top: int, bottom: int) -> None:
        """A line down a column, from row `top` until before row `bottom`."""
        for y in range(top, bottom):
            self.join(x, y, UP | DOWN)

    def paste(self, x: int, y: int, lines: list[list[str]]) -> None:
        """Another sheet's rows, laid on this one."""
        for offset, line in enumerate(lines):
            self.row(y + offset)[x : x + len(line)] = line

    def lines(self) -> list[str]:
        """The sheet as text, without blanks at the ends of lines."""
        return ["".join(row).rstrip() for row in self.rows]
