"""Airflow's Execution API inside this process: an event loop in a thread answers the requests of tasks."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

import httpx

from airflow_mlcraft.adapters.airflow_core import build_execution_api
from airflow_mlcraft.adapters.airflow_sdk import connect_supervisor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI


@functools.cache
def build_app() -> FastAPI:
    """The app of the API, built once; the app can be used in forked children."""
    return build_execution_api()


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


@contextlib.contextmanager
def open_execution_api() -> Iterator[None]:
    """Start the API for tasks in this process. It runs in a thread, so the process must not fork meanwhile."""
    transport = _Transport()
    try:
        with connect_supervisor(transport):
            yield
    finally:
        transport.close()
