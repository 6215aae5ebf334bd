"""The FastAPI app below /mlcraft: pages, REST routes, status codes of errors, and security headers."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders

from airflow_mlcraft.adapters.airflow_api import APP_STATE
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.library.errors import (
    BadNameError,
    ConflictError,
    NoSuchDocumentError,
    NotTextError,
    ReadOnlyError,
    TakenError,
    TooLargeError,
)
from airflow_mlcraft.plugin.web import (
    access,
    checking,
    documents,
    graph,
    pages,
    run_state,
    saving,
    schema,
    step_details,
    uploads,
)

_ROUTES = (access, documents, saving, checking, schema, graph, run_state, step_details, uploads)


def make_app(airflow: Any) -> FastAPI:
    """The app, for the app of Airflow that it is mounted in."""
    app = FastAPI(title="MLcraft", docs_url=None, redoc_url=None, openapi_url=None)
    for name in APP_STATE:
        setattr(app.state, name, getattr(airflow.state, name, None))
    add_error_handlers(app)
    app.add_middleware(SecurityHeaders)
    for module in _ROUTES:
        app.include_router(module.router, prefix="/api")
    app.include_router(pages.router, prefix="/pages")
    return app


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
    """Return our errors as JSON with their message and a status code."""

    def to_response(_request: Request, error: Exception) -> JSONResponse:
        status = next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
        content = {"detail": str(error)}
        if isinstance(error, ConflictError):
            content |= {"text": error.text, "version": error.version}
        return JSONResponse(content, status_code=status)

    app.add_exception_handler(MlcraftError, to_response)


_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        # The editor and the graph set inline styles.
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class SecurityHeaders:
    """Middleware that adds security headers to all responses, and forbids caching of all but the pages' files."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handle a request of the app, with the headers added to its response."""

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)
