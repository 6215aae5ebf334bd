"""The routes that are asked now and then: health, metrics, what is served, the page. FastAPI has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException as StarletteHTTPException

from airflow_mlcraft import __version__
from airflow_mlcraft.serving.http import inference_protocol
from airflow_mlcraft.serving.http.metrics import Latency, exposition, predictions_counted
from airflow_mlcraft.serving.http.openapi import document
from airflow_mlcraft.serving.model.state import Served, ServingState, describe

_PAGE = Path(__file__).parent / "page"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def routes(state: ServingState, latency: Latency) -> FastAPI:
    """The application behind the front."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(_health(state))
    app.include_router(_numbers(state, latency))
    app.include_router(_model(state))
    app.include_router(_page())
    app.add_exception_handler(StarletteHTTPException, _refuse)
    return app


def _health(state: ServingState) -> APIRouter:
    router = APIRouter()

    @router.get("/health/live")
    @router.get("/v2/health/live")
    async def live() -> dict[str, Any]:
        return {"live": True}

    @router.get("/health")
    @router.get("/health/ready")
    @router.get("/v2/health/ready")
    async def ready() -> JSONResponse:
        model = state.current.version if state.current else None
        return JSONResponse({"live": True, "ready": state.ready, "model": model}, 200 if state.ready else 503)

    return router


def _numbers(state: ServingState, latency: Latency) -> APIRouter:
    router = APIRouter()

    @router.get("/metrics")
    def metrics() -> Response:
        return Response(exposition(), media_type=CONTENT_TYPE_LATEST)

    @router.get("/predictions_count")
    def predictions_count() -> dict[str, Any]:
        found = predictions_counted()
        return {"predictions": sum(found["models"].values()), **found}

    @router.get("/latency")
    def latency_now() -> dict[str, Any]:
        return latency.summary(state.options.window)

    return router


def _model(state: ServingState) -> APIRouter:
    router = APIRouter()

    @router.get("/model")
    async def model() -> dict[str, Any]:
        return describe(_current(state))

    @router.get("/openapi.json")
    async def openapi() -> dict[str, Any]:
        return document(_current(state), state.options)

    @router.get("/v2")
    async def server() -> dict[str, Any]:
        return {"name": "mlcraft", "version": __version__, "extensions": []}

    @router.get("/v2/models/{name}")
    async def metadata(name: str) -> dict[str, Any]:
        return inference_protocol.metadata(_named(state, name))

    @router.get("/v2/models/{name}/ready")
    async def model_ready(name: str) -> dict[str, Any]:
        return {"name": _named(state, name).name, "ready": True}

    return router


def _page() -> APIRouter:
    router = APIRouter()

    @router.get("/")
    async def page() -> FileResponse:
        return FileResponse(_PAGE / "page.html", headers=_PAGE_HEADERS)

    @router.get("/page.js")
    async def script() -> FileResponse:
        return FileResponse(_PAGE / "page.js", headers=_PAGE_HEADERS)

    @router.get("/page.css")
    async def style() -> FileResponse:
        return FileResponse(_PAGE / "page.css", headers=_PAGE_HEADERS)

    return router


def _current(state: ServingState) -> Served:
    if state.current is None:
        raise HTTPException(503, "no model is loaded yet")
    return state.current


def _named(state: ServingState, name: str) -> Served:
    served = _current(state)
    if name != served.name:
        raise HTTPException(404, f"there is no model {name!r}; there is {served.name!r}")
    return served


async def _refuse(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StarletteHTTPException)  # noqa: S101 - as it was registered
    answer = {"error": str(error.detail), "request_id": request.scope["state"]["request_id"]}
    return JSONResponse(answer, error.status_code, headers=error.headers)
