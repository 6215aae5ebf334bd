"""Credentials of a tracking server. Secrets come from the environment or a connection, and are never logged."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

_TOKEN, _USER, _PASSWORD = "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"


@dataclass(frozen=True)
class Credentials:
    """A token, or a user and a password, or neither for a server without authentication."""

    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Credentials:
        """Read the credentials from the variables that mlflow reads."""
        return cls(environment.get(_USER, ""), environment.get(_PASSWORD, ""), environment.get(_TOKEN, ""))

    def environment(self) -> dict[str, str]:
        """Return the environment variables from which mlflow reads these credentials."""
        variables = {_USER: self.user, _PASSWORD: self.password, _TOKEN: self.token}
        return {name: value for name, value in variables.items() if value}

    def header(self) -> dict[str, str]:
        """Return the Authorization header of a request; {} without credentials."""
        if self.user:
            pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


def dagshub(owner: str, repository: str, token: str) -> tuple[str, Credentials]:
    """Return the tracking URI of a DagsHub repository, and the credentials for it."""
    return f"https://dagshub.com/{owner}/{repository}.mlflow", Credentials(user=owner, password=token)
