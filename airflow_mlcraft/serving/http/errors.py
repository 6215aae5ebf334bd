"""How the server says no: a status, a sentence, and the place in the request that it is about."""

from __future__ import annotations

from typing import Any

from airflow_mlcraft.errors import MlcraftError


class ServingError(MlcraftError):
    """A server that cannot be started, stopped or given a model."""


class Refusal(Exception):  # noqa: N818 - an answer to a client, not a fault of ours
    """A request that is answered with a status of 400 or more."""

    def __init__(self, status: int, message: str, *, headers: dict[str, str] | None = None, **place: Any):
        self.status = status
        self.message = message
        self.headers = headers or {}
        self.place = {name: value for name, value in place.items() if value is not None}
        super().__init__(message)


def malformed(message: str) -> Refusal:
    """The body cannot be read at all."""
    return Refusal(400, message)


def mismatch(message: str, *, column: str | None = None, row: int | None = None) -> Refusal:
    """The body can be read, and is not what the model's signature asks for."""
    return Refusal(422, message, column=column, row=row)
