"""The FastAPI app below /mlcraft: pages, REST routes, status codes of errors, and security headers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse
from starlette.datastructures import MutableHeaders

from airflow_mlcraft.adapters.airflow_api import APP_STATE, GetUserDep
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.library.folder import (
    BadNameError,
    ConflictError,
    NoSuchDocumentError,
    NotTextError,
    ReadOnlyError,
    TakenError,
    TooLargeError,
)
from airflow_mlcraft.plugin.web import access, checking, documents, graph, run_state, saving, step_details, uploads

_ROUTES = (access, documents, saving, checking, graph, run_state, step_details, uploads)

_page_router = APIRouter()
_PAGES = Path(__file__).parents[1] / "pages"
_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".woff2": "font/woff2",
}


def make_app(airflow: Any) -> FastAPI:
    """The app, for the app of Airflow that it is mounted in."""
    app = FastAPI(title="MLcraft", docs_url=None, redoc_url=None, openapi_url=None)
    for name in APP_STATE:
        setattr(app.state, name, getattr(airflow.state, name, None))
    add_error_handlers(app)
    app.add_middleware(SecurityHeaders)
    for module in _ROUTES:
        app.include_router(module.router, prefix="/api")
    app.include_router(_page_router, prefix="/pages")
    return app


@_page_router.get("/{path:path}")
def page(path: str, user: GetUserDep) -> FileResponse:
    """A file of the pages, for users who are logged in. Those in assets/ have their hash in their name."""
    file = (_PAGES / path.replace("\0", "")).resolve()
    if not file.is_relative_to(_PAGES.resolve()) or file.suffix not in _MEDIA_TYPES or not file.is_file():
        raise HTTPException(404, "There is no such page")
    is_hashed = path.startswith("assets/")
    cache = "private, max-age=31536000, immutable" if is_hashed else "no-cache"
    return FileResponse(file, media_type=_MEDIA_TYPES[file.suffix], headers={"Cache-Control": cache})


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
