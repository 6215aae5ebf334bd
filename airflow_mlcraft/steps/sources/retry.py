"""How often a transfer is tried again, and how long is waited between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from airflow_mlcraft.errors import StepError

TRIES = 5
FIRST, LONGEST = 1.0, 30.0
ASKED_LIMIT = 120.0
"""Seconds that another side may ask to wait for; when it asks for more, the task had better end."""


class TroubleError(Exception):
    """A failure that may pass. `after` is how long the other side asks to wait."""

    def __init__(self, message: str, *, after: float | None = None):
        self.after = after
        super().__init__(message)


def patiently(once: Callable[[], None], *, place: str, reached: Callable[[], int], say: Callable[[str], None]) -> None:
    """Do it until it is done, or until it is better left to a later try of the task.

    Waits double; bytes that came, as `reached` counts them, make a failure the first again.
    """
    failures, before = 0, reached()
    while True:
        try:
            once()
            return
        except TroubleError as trouble:
            now = reached()
            failures = 1 if now > before else failures + 1
            before = now
            wait = min(FIRST * float(2 ** (failures - 1)), LONGEST) if trouble.after is None else trouble.after
            if failures >= TRIES or wait > ASKED_LIMIT:
                asked = f", since it asks to wait {wait:.0f} s" if wait > ASKED_LIMIT else f" after {failures} tries"
                raise StepError(f"{place}: {trouble}; given up{asked}; a later try may do", temporary=True) from None
            say(f"{trouble}; trying again in {wait:g} s")
            time.sleep(wait)


@contextmanager
def disk_told() -> Iterator[None]:
    """A disk that fails is no trouble of the network."""
    try:
        yield
    except OSError as error:
        raise StepError(f"the data cannot be written: {error.strerror or error}") from None
