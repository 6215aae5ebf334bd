"""Polling with a time limit, and retries of calls that need a new role."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from airflow_mlcraft.deploying.aws.account import get_error_code
from airflow_mlcraft.deploying.errors import DeployingError

Value = TypeVar("Value")
_ROLE_SECONDS = 60.0
_ROLE_CODES = (
    "InvalidParameterValueException",
    "InvalidParameterException",
    "ClientException",
    "AccessDeniedException",
)


@dataclass(frozen=True)
class Retry:
    """The time limit and the pause between two tries, in seconds."""

    seconds: float = 1200.0
    pause: float = 5.0

    def wait(self, what: str, poll: Callable[[], Value | None]) -> Value:
        """Poll until the result is not None, and return it; raises DeployingError after the time limit."""
        deadline = time.monotonic() + self.seconds
        while True:
            if (found := poll()) is not None:
                return found
            if time.monotonic() > deadline:
                raise DeployingError(f"{what} within {self.seconds:g} s", "give it more time with --timeout")
            time.sleep(self.pause)

    def with_new_role(self, call: Callable[[], Any]) -> Any:
        """Call something that needs a role, with retries: a new role takes some seconds to be known in all of AWS."""
        from botocore.exceptions import ClientError

        deadline = time.monotonic() + min(_ROLE_SECONDS, self.seconds)
        while True:
            try:
                return call()
            except ClientError as error:
                message = str(error).lower()
                about_role = "role" in message and ("assume" in message or "trust" in message)
                if get_error_code(error) not in _ROLE_CODES or not about_role or time.monotonic() > deadline:
                    raise
            time.sleep(self.pause)
