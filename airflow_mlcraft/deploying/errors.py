"""Errors of images and deployments, and the callbacks that report their progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from airflow_mlcraft.errors import MlcraftError


class DeployingError(MlcraftError):
    """An image or a deployment that cannot be made. `remedy` is what the user can do."""

    def __init__(self, message: str, remedy: str = ""):
        self.remedy = remedy
        super().__init__(f"{message}; {remedy}" if remedy else message)


@dataclass(frozen=True)
class ProgressReporter:
    """Callbacks: `update` takes the current activity, how much of it is done and the total; `log` takes a log line."""

    update: Callable[[str, float, float], None] = lambda text, done, total: None
    log: Callable[[str], None] = lambda text: None

    def start(self, text: str) -> None:
        """Report the start of an activity of unknown length."""
        self.update(text, 0, 0)
