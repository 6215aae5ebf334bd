"""FastAPI routes other than predictions: health, metrics, model metadata, OpenAPI document and web page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException as StarletteHTTPException

from airflow_mlcraft import __version__
from airflow_mlcraft.serving.http import inference_protocol
from airflow_mlcraft.serving.http.metrics import LatencyRing, read_prediction_counts, render_metrics
from airflow_mlcraft.serving.http.openapi import build_document
from airflow_mlcraft.serving.model.state import ServedModel, ServingState, describe_model

_PAGE_FOLDER = Path(__file__).parent / "page"
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE_HEADERS = {
    "content-security-policy": _CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def build_routes(state: ServingState, latency: LatencyRing) -> FastAPI:
    """The FastAPI application that `asgi_app.Application` forwards to."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(_build_health_routes(state))
    app.include_router(_build_metrics_routes(state, latency))
    app.include_router(_build_model_routes(state))
    app.include_router(_build_page_routes())
    app.add_exception_handler(StarletteHTTPException, _to_json_error)
    return app


def _build_health_routes(state: ServingState) -> APIRouter:
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


def _build_metrics_routes(state: ServingState, latency: LatencyRing) -> APIRouter:
    router = APIRouter()

    @router.get("/metrics")
    def metrics() -> Response:
        return Response(render_metrics(), media_type=CONTENT_TYPE_LATEST)

    @router.get("/predictions_count")
    def predictions_count() -> dict[str, Any]:
        counts = read_prediction_counts()
        return {"predictions": sum(counts["models"].values()), **counts}

    @router.get("/latency")
    def latency_now() -> dict[str, Any]:
        return latency.summary(state.options.window)

    return router


def _build_model_routes(state: ServingState) -> APIRouter:
    router = APIRouter()

    @router.get("/model")
    async def model() -> dict[str, Any]:
        return describe_model(_get_model(state))

    @router.get("/openapi.json")
    async def openapi() -> dict[str, Any]:
        return build_document(_get_model(state), state.options)

    @router.get("/v2")
    async def server() -> dict[str, Any]:
        return {"name": "mlcraft", "version": __version__, "extensions": []}

    @router.get("/v2/models/{name}")
    async def metadata(name: str) -> dict[str, Any]:
        return inference_protocol.build_metadata(_get_named_model(state, name))

    @router.get("/v2/models/{name}/ready")
    async def model_ready(name: str) -> dict[str, Any]:
        return {"name": _get_named_model(state, name).name, "ready": True}

    return router


def _build_page_routes() -> APIRouter:
    router = APIRouter()

    @router.get("/")
    async def page() -> FileResponse:
        return FileResponse(_PAGE_FOLDER / "page.html", headers=_PAGE_HEADERS)

    @router.get("/page.js")
    async def script() -> FileResponse:
        return FileResponse(_PAGE_FOLDER / "page.js", headers=_PAGE_HEADERS)

    @router.get("/page.css")
    async def style() -> FileResponse:
        return FileResponse(_PAGE_FOLDER / "page.css", headers=_PAGE_HEADERS)

    return router


def _get_model(state: ServingState) -> ServedModel:
    if state.current is None:
        raise HTTPException(503, "no model is loaded yet")
    return state.current


def _get_named_model(state: ServingState, name: str) -> ServedModel:
    served = _get_model(state)
    if name != served.name:
        raise HTTPException(404, f"there is no model {name!r}; there is {served.name!r}")
    return served


async def _to_json_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StarletteHTTPException)  # noqa: S101 - as it was registered
    body = {"error": str(error.detail), "request_id": request.scope["state"]["request_id"]}
    return JSONResponse(body, error.status_code, headers=error.headers)
