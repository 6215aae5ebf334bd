"""What a source is asked for, and what it may use."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.steps.services import Connection, Services
from airflow_mlcraft.steps.sources.secrets import Secrets

_OPEN = ("endpoint_url", "region_name", "host", "anon")
_SECRET_LENGTH = 8


@dataclass(frozen=True)
class Call:
    """The options of one retrieval. What is said goes through `say`, which hides secrets."""

    source: str
    folder: Path
    services: Services
    query: str = ""
    connection: str = ""
    key_env: str = ""
    key_header: str = ""
    checksum: str = ""
    secrets: Secrets = field(default_factory=Secrets)

    def say(self, line: str) -> None:
        """A line for the log."""
        self.services.say(self.secrets.mask(line))

    def opened(self) -> Connection | None:
        """The connection that was named; from here on nothing of it is said."""
        if not self.connection:
            return None
        self.services.permissions.check_connection(self.connection)
        connection = self.services.connection(self.connection)
        if connection is None:
            raise StepError(
                f"there is no connection {self.connection!r}; make it in Airflow, or set the environment variable "
                f"MLCRAFT_CONN_{self.connection.upper()} to its URI where the step runs without Airflow"
            )
        self.services.permissions.check_connection_host(self.connection, self.source, connection.uri)
        self.secrets.add(connection.password)
        for name, value in connection.extra.items():
            if name not in _OPEN and isinstance(value, str) and len(value) >= _SECRET_LENGTH:
                self.secrets.add(value)
        return connection


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
