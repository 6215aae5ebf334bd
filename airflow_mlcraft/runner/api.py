"""Airflow's Execution API inside this process, and the supervisor that runs tasks with it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import httpx
from airflow.api_fastapi.execution_api import app as execution_api
from airflow.api_fastapi.execution_api.routes import execution_api_router
from airflow.sdk.execution_time.supervisor import InProcessTestSupervisor
from cadwyn.route_generation import _DELETED_ROUTE_TAG
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)


@functools.cache
def build_app() -> FastAPI:
    """The app of the API, built once; the app can be used in forked children."""
    # Airflow builds the routes of a dozen API versions at the first request, which takes 5 s. Client and API belong to
    # the same installation here and use the current version only: the routes as they are.
    with patch.object(execution_api, "create_task_execution_api_app", _build_current_version_app):
        app: FastAPI = execution_api.InProcessExecutionAPI().app
    return app


def _build_current_version_app(**options: Any) -> FastAPI:
    app = FastAPI(openapi_url=None, **{"lifespan": execution_api.lifespan, **options})
    app.include_router(execution_api_router)
    app.router.routes[:] = [
        route for route in app.router.routes if _DELETED_ROUTE_TAG not in getattr(route, "tags", ())
    ]

    @app.exception_handler(Exception)
    def log_error(request: Request, error: Exception) -> JSONResponse:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return JSONResponse(status_code=500, content={"message": str(error)})

    return app


class _Transport(httpx.BaseTransport):
    """Sends requests of the synchronous client to the API, which runs on an event loop in another thread."""

    def __init__(self) -> None:
        self._inner = httpx.ASGITransport(build_app(), raise_app_exceptions=False)
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        is_started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run_loop, args=(is_started,), name="execution-api", daemon=True)
        self._thread.start()
        is_started.result()

    def _run_loop(self, is_started: Future[None]) -> None:
        # One asyncio task for all requests: the threads in which FastAPI runs its routes live as long as the task, and
        # would otherwise be created for each request.
        try:
            self._loop.run_until_complete(self._hold_lifespan(is_started))
        except BaseException as error:
            if is_started.done():
                raise
            is_started.set_exception(error)
        finally:
            self._loop.close()

    async def _hold_lifespan(self, is_started: Future[None]) -> None:
        async with build_app().router.lifespan_context(build_app()):
            is_started.set_result(None)
            await self._end.wait()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return asyncio.run_coroutine_threadsafe(self._send(request), self._loop).result()

    async def _send(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        return httpx.Response(response.status_code, headers=response.headers, content=await response.aread())

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()


class Supervisor(InProcessTestSupervisor):
    """A supervisor with one client for all tasks; Airflow's creates a client, with an empty DAG cache, for each."""

    @staticmethod
    def _api_client(dag: Any = None) -> Any:
        if _Current.client is None:
            raise RuntimeError("Tasks run inside `with connected():`.")
        return _Current.client

    @contextlib.contextmanager
    def _setup_subprocess_socket(self) -> Iterator[None]:
        """No socket:

        Airflow answers no request on it in this mode, and it would leave a thread behind for each task.
        """
        yield


class _Current:
    client: Any = None


@contextlib.contextmanager
def open_execution_api() -> Iterator[None]:
    """Start the API for tasks in this process. It runs in a thread, so the process must not fork meanwhile."""
    transport = _Transport()
    _Current.client = InProcessTestSupervisor._Client(base_url=None, token="", dry_run=True, transport=transport)
    _Current.client.base_url = "http://in-process.invalid./"
    try:
        yield
    finally:
        _Current.client = None
        transport.close()
