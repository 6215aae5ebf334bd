"""What a source is asked for, and what it may use."""

from __future__ import annotations

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
