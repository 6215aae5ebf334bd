"""Services that a step may use: secrets, connections, a persistent folder, the log."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from airflow_mlcraft.steps.permissions import Permissions

CONNECTION_PREFIX = "MLCRAFT_CONN_"


@dataclass(frozen=True)
class Connection:
    """An address with its login and password. Its `repr` shows none of them."""

    uri: str = field(repr=False)
    login: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)


def connection_variable(connection: str) -> str:
    """The environment variable that holds a connection's URI where the step runs without Airflow."""
    return CONNECTION_PREFIX + re.sub(r"\W", "_", connection).upper()


def connection_from_environment(name: str) -> Connection | None:
    """The connection whose URI is in the variable `MLCRAFT_CONN_<NAME>`."""
    uri = os.environ.get(connection_variable(name))
    if not uri:
        return None
    parts = urlsplit(uri)
    return Connection(uri, unquote(parts.username or ""), unquote(parts.password or ""), dict(parse_qsl(parts.query)))


def log_to_stderr(line: str) -> None:
    """Write one line to standard error."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


@dataclass(frozen=True)
class Services:
    """The services of a step; the defaults are those of a command: its environment and standard error."""

    secret: Callable[[str], str | None] = os.environ.get
    connection: Callable[[str], Connection | None] = connection_from_environment
    state: Path | None = None
    """Folder that persists between tries and runs."""
    log: Callable[[str], None] = log_to_stderr
    permissions: Permissions = field(default_factory=Permissions)
