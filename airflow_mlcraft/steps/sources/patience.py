"""How often a transfer is tried again, and how long is waited between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from airflow_mlcraft.errors import StepError


class TroubleError(Exception):
    """A failure that may pass. `after` is how long the other side asks to wait."""

    def __init__(self, message: str, *, after: float | None = None):
        self.after = after
        super().__init__(message)


@dataclass
class Patience:
    """Waits grow from `first` to `longest` seconds. Bytes that came reset the count of tries."""

    tries: int = 5
    first: float = 1.0
    longest: float = 30.0
    asked_limit: float = 120.0
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def run(
        self, once: Callable[[], None], *, place: str, reached: Callable[[], int], say: Callable[[str], None]
    ) -> None:
        """Do it until it is done, or until it is better left to a later try of the task."""
        failures, before = 0, reached()
        while True:
            try:
                once()
                return
            except TroubleError as trouble:
                now = reached()
                failures = 1 if now > before else failures + 1
                before = now
                wait = self._wait(failures, trouble)
                if failures >= self.tries or wait is None:
                    asked = f" for {trouble.after:.0f} s" if wait is None else ""
                    raise StepError(
                        f"{place}: {trouble}; given up{asked} after {failures} tries, a later one may do",
                        temporary=True,
                    ) from None
                say(f"{trouble}; trying again in {wait:g} s")
                self.sleep(wait)

    def _wait(self, failures: int, trouble: TroubleError) -> float | None:
        """None where the other side asks for more than can be waited here."""
        if trouble.after is not None:
            return trouble.after if trouble.after <= self.asked_limit else None
        return min(self.first * float(2 ** (failures - 1)), self.longest)


@contextmanager
def disk_told() -> Iterator[None]:
    """A disk that fails is no trouble of the network."""
    try:
        yield
    except OSError as error:
        raise StepError(f"the data cannot be written: {error.strerror or error}") from None
