"""What goes wrong with images and deployments, as sentences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from airflow_mlcraft.errors import MlcraftError


class DeployingError(MlcraftError):
    """An image or a deployment that cannot be made. `remedy` is the next step."""

    def __init__(self, message: str, remedy: str = ""):
        self.remedy = remedy
        super().__init__(f"{message}; {remedy}" if remedy else message)


@dataclass(frozen=True)
class Watch:
    """`doing` is what goes on now, with how much of it is done where that is known; `line` is a line of a log."""

    doing: Callable[[str, float, float], None] = lambda text, done, total: None
    line: Callable[[str], None] = lambda text: None

    def say(self, text: str) -> None:
        """Something begins of which nobody knows how long it takes."""
        self.doing(text, 0, 0)
