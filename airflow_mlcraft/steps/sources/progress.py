"""Lines that say how far a transfer is: not more than one every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS = 5.0


class Progress:
    """Bytes so far, of how many, and how fast."""

    def __init__(self, say: Callable[[str], None], *, done: int = 0, total: int | None = None):
        self._say = say
        self._done, self._total = done, total
        self._started = self._said = time.monotonic()
        self._first = done

    def advance(self, count: int) -> None:
        """So many bytes more."""
        self._done += count
        now = time.monotonic()
        if now - self._said >= SECONDS:
            self._said = now
            self._say(f"{self._where()}, {size(self._rate(now))}/s")

    def end(self) -> None:
        """All is there."""
        now = time.monotonic()
        count = self._done - self._first
        self._say(f"got {size(count)} in {now - self._started:.1f} s, {size(self._rate(now))}/s")

    def _where(self) -> str:
        if not self._total:
            return size(self._done)
        return f"{size(self._done)} of {size(self._total)} ({100 * self._done // self._total} %)"

    def _rate(self, now: float) -> float:
        return (self._done - self._first) / max(now - self._started, 1e-3)


def size(count: float) -> str:
    """A number of bytes for people."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:  # noqa: PLR2004
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.2f} GB"
