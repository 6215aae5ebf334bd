"""Airflow's Execution API inside this process, and the supervisor that lets its task runner talk to it."""

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
    """The API; built once, may cross a fork."""
    # Airflow makes every route for each of a dozen API versions at the first request, which takes 5 s.
    # Client and API are one installation here, and need the newest version alone: the routes as written.
    with patch.object(execution_api, "create_task_execution_api_app", _build_newest_app):
        made: FastAPI = execution_api.InProcessExecutionAPI().app
    return made


def _build_newest_app(**options: Any) -> FastAPI:
    made = FastAPI(openapi_url=None, **{"lifespan": execution_api.lifespan, **options})
    made.include_router(execution_api_router)
    made.router.routes[:] = [
        route for route in made.router.routes if _DELETED_ROUTE_TAG not in getattr(route, "tags", ())
    ]

    @made.exception_handler(Exception)
    def log_error(request: Request, error: Exception) -> JSONResponse:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return JSONResponse(status_code=500, content={"message": str(error)})

    return made


class _Transport(httpx.BaseTransport):
    """Takes a request of the synchronous client to the API, on an event loop in a thread of its own."""

    def __init__(self) -> None:
        self._inner = httpx.ASGITransport(build_app(), raise_app_exceptions=False)
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        up: Future[None] = Future()
        self._thread = threading.Thread(target=self._run_loop, args=(up,), name="execution-api", daemon=True)
        self._thread.start()
        up.result()

    def _run_loop(self, up: Future[None]) -> None:
        # One task that spans all requests: the threads in which FastAPI runs its routes live as long as
        # that does, and would else be made anew for each request.
        try:
            self._loop.run_until_complete(self._hold_lifespan(up))
        except BaseException as error:
            if up.done():
                raise
            up.set_exception(error)
        finally:
            self._loop.close()

    async def _hold_lifespan(self, up: Future[None]) -> None:
        async with build_app().router.lifespan_context(build_app()):
            up.set_result(None)
            await self._end.wait()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return asyncio.run_coroutine_threadsafe(self._send(request), self._loop).result()

    async def _send(self, request: httpx.Request) -> httpx.Response:
        found = await self._inner.handle_async_request(request)
        return httpx.Response(found.status_code, headers=found.headers, content=await found.aread())

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()


class Supervisor(InProcessTestSupervisor):
    """One client for all tasks: Airflow's own makes a new one, with an empty DAG cache, for every task."""

    @staticmethod
    def _api_client(dag: Any = None) -> Any:
        if _Current.client is None:
            raise RuntimeError("Tasks run inside `with connected():`.")
        return _Current.client

    @contextlib.contextmanager
    def _setup_subprocess_socket(self) -> Iterator[None]:
        """None: in this mode Airflow answers no request from that socket, and leaves a thread a task."""
        yield


class _Current:
    client: Any = None


@contextlib.contextmanager
def open_execution_api() -> Iterator[None]:
    """Tasks may run in this process. A thread answers them, so there must be no fork meanwhile."""
    transport = _Transport()
    _Current.client = InProcessTestSupervisor._Client(base_url=None, token="", dry_run=True, transport=transport)
    _Current.client.base_url = "http://in-process.invalid./"
    try:
        yield
    finally:
        _Current.client = None
        transport.close()
