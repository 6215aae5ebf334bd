"""One retrieval of data: its options, its connection, and lines in the log about its progress."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.steps.services import Connection, Services
from airflow_mlcraft.steps.sources.secrets import Secrets

_PUBLIC_EXTRAS = ("endpoint_url", "region_name", "host", "anon")
_SECRET_LENGTH = 8


@dataclass(frozen=True)
class Retrieval:
    """The options of one retrieval. Lines for the log go through `log`, which masks secrets."""

    source: str
    folder: Path
    services: Services
    query: str = ""
    connection: str = ""
    key_env: str = ""
    key_header: str = ""
    checksum: str = ""
    secrets: Secrets = field(default_factory=Secrets)

    def log(self, line: str) -> None:
        """Write a line to the log, with secrets masked."""
        self.services.log(self.secrets.mask(line))

    def open_connection(self) -> Connection | None:
        """The connection that the options name, or None. Its password is masked in the log from here on."""
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
            if name not in _PUBLIC_EXTRAS and isinstance(value, str) and len(value) >= _SECRET_LENGTH:
                self.secrets.add(value)
        return connection


SECONDS_BETWEEN_LINES = 5.0


class Progress:
    """Logs how many bytes of a transfer have come, and how fast; a line every few seconds at most."""

    def __init__(self, log: Callable[[str], None], *, done: int = 0, total: int | None = None):
        self._log = log
        self._done, self._total = done, total
        self._started = self._logged = time.monotonic()
        self._first = done

    def advance(self, count: int) -> None:
        """Count bytes that have come."""
        self._done += count
        now = time.monotonic()
        if now - self._logged >= SECONDS_BETWEEN_LINES:
            self._logged = now
            self._log(f"{self._state()}, {format_bytes(self._rate(now))}/s")

    def finish(self) -> None:
        """Log size, duration and rate of the whole transfer."""
        now = time.monotonic()
        count = self._done - self._first
        self._log(f"got {format_bytes(count)} in {now - self._started:.1f} s, {format_bytes(self._rate(now))}/s")

    def _state(self) -> str:
        if not self._total:
            return format_bytes(self._done)
        return f"{format_bytes(self._done)} of {format_bytes(self._total)} ({100 * self._done // self._total} %)"

    def _rate(self, now: float) -> float:
        return (self._done - self._first) / max(now - self._started, 1e-3)


def format_bytes(count: float) -> str:
    """A number of bytes with its unit, as `12.5 MB`."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:  # noqa: PLR2004
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.2f} GB"
