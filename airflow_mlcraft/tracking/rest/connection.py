"""Who we are to a tracking server. Secrets come from the environment or a connection, and go into no log."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

_TOKEN, _USER, _PASSWORD = "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"


@dataclass(frozen=True)
class Credentials:
    """A token, or a user and a password; or nothing, for a server that asks for nothing."""

    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Credentials:
        """Those that mlflow itself would use."""
        return cls(environment.get(_USER, ""), environment.get(_PASSWORD, ""), environment.get(_TOKEN, ""))

    def environment(self) -> dict[str, str]:
        """The variables by which mlflow, in this process or a child, has the same credentials."""
        named = {_USER: self.user, _PASSWORD: self.password, _TOKEN: self.token}
        return {name: value for name, value in named.items() if value}

    def header(self) -> dict[str, str]:
        """The header of a request."""
        if self.user:
            pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


def dagshub(owner: str, repository: str, token: str) -> tuple[str, Credentials]:
    """The tracking server of a DagsHub repository, and who we are there."""
    return f"https://dagshub.com/{owner}/{repository}.mlflow", Credentials(user=owner, password=token)
