"""What a step may ask of whoever runs it: secrets, connections, a folder that outlives it, a line for the log."""

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
    """An address and what opens it. Nothing of it is ever shown."""

    uri: str = field(repr=False)
    login: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)


def variable_of(connection: str) -> str:
    """The environment variable that has a connection's URI, where there is no Airflow."""
    return CONNECTION_PREFIX + re.sub(r"\W", "_", connection).upper()


def connection_from_environment(name: str) -> Connection | None:
    """The connection whose URI is in the variable `MLCRAFT_CONN_<NAME>`."""
    uri = os.environ.get(variable_of(name))
    if not uri:
        return None
    parts = urlsplit(uri)
    return Connection(uri, unquote(parts.username or ""), unquote(parts.password or ""), dict(parse_qsl(parts.query)))


def say_on_stderr(line: str) -> None:
    """One line for people."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


@dataclass(frozen=True)
class Services:
    """By default what a command has: its environment and its stderr."""

    secret: Callable[[str], str | None] = os.environ.get
    connection: Callable[[str], Connection | None] = connection_from_environment
    state: Path | None = None
    say: Callable[[str], None] = say_on_stderr
    permissions: Permissions = field(default_factory=Permissions)
