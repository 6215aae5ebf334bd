"""Errors as answers: a sentence, and the status that says which kind it is."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.library.refusals import (
    BadNameError,
    ConflictError,
    NoSuchDocumentError,
    NotTextError,
    ReadOnlyError,
    TakenError,
    TooLargeError,
)

_STATUS: dict[type[MlcraftError], int] = {
    BadNameError: 400,
    NoSuchDocumentError: 404,
    ReadOnlyError: 403,
    TooLargeError: 413,
    NotTextError: 422,
    TakenError: 409,
    ConflictError: 409,
    MlcraftError: 422,
}


def add_error_handlers(app: FastAPI) -> None:
    """Answer each of our errors with its sentence."""

    def answer(_request: Request, error: Exception) -> JSONResponse:
        status = next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
        content = {"detail": str(error)}
        if isinstance(error, ConflictError):
            content |= {"text": error.text, "version": error.version}
        return JSONResponse(content, status_code=status)

    app.add_exception_handler(MlcraftError, answer)
