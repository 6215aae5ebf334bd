"""What goes on, for who shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Watch:
    """`doing` is what goes on now, with how much of it is done where that is known; `line` is a line of a log."""

    doing: Callable[[str, float, float], None] = lambda text, done, total: None
    line: Callable[[str], None] = lambda text: None

    def say(self, text: str) -> None:
        """Something begins of which nobody knows how long it takes."""
        self.doing(text, 0, 0)
