"""Errors of the inference server, and errors of requests with their HTTP status, message and location."""

from __future__ import annotations

from typing import Any

from airflow_mlcraft.errors import MlcraftError


class ServingError(MlcraftError):
    """The server cannot be started or stopped, or cannot load a model."""


class RequestError(Exception):
    """A request that is answered with an error status. `location` names the column and row that the error is about."""

    def __init__(self, status: int, message: str, *, headers: dict[str, str] | None = None, **location: Any):
        self.status = status
        self.message = message
        self.headers = headers or {}
        self.location = {name: value for name, value in location.items() if value is not None}
        super().__init__(message)


def malformed_body(message: str) -> RequestError:
    """A RequestError (400) for a body that cannot be parsed."""
    return RequestError(400, message)


def signature_mismatch(message: str, *, column: str | None = None, row: int | None = None) -> RequestError:
    """A RequestError (422) for a body that can be parsed but does not match the model's signature."""
    return RequestError(422, message, column=column, row=row)
