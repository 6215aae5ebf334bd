"""The event loop of a worker: it serves a model and runs the commands of the supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import uvicorn
from threadpoolctl import threadpool_limits

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.serving.http.asgi_app import Application, to_access_log_line
from airflow_mlcraft.serving.http.errors import RequestError, ServingError
from airflow_mlcraft.serving.http.header_limit import HeaderTimeoutProtocol
from airflow_mlcraft.serving.http.logs import JsonLinesLog, PredictionLog
from airflow_mlcraft.serving.http.metrics import LatencyRing, Metrics
from airflow_mlcraft.serving.http.routes import build_routes
from airflow_mlcraft.serving.model.state import ServingState, freeze_memory
from airflow_mlcraft.serving.options import Options

log = logging.getLogger(__name__)
_KEEP_ALIVE_SECONDS = 75


class Worker:
    """Serves HTTP on the shared socket, and handles the supervisor's commands."""

    def __init__(self, options: Options, number: int, folder: Path, connection: Connection):
        self._options, self._number, self._folder, self._connection = options, number, folder, connection
        self._metrics = Metrics()
        self._state = ServingState(options, self._metrics)
        self._server: Any = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, model: Path, listener: socket.socket) -> None:
        """Load the model, report `ready` or `broken` to the supervisor, and serve until drained."""
        threadpool_limits(1)
        try:
            served = await self._state.prepare(model)
            self._state.commit(served.content)
            self._state.confirm()
        except MlcraftError as error:
            self._connection.send({"event": "broken", "error": str(error)})
            return
        log.info("model loaded", extra={"fields": {"content": served.content, "way": served.predictor.implementation}})
        await self._serve(listener, served.content)

    async def _serve(self, listener: socket.socket, content: str) -> None:
        options = self._options
        latency = LatencyRing(self._folder, self._number)
        access_log = prediction_log = None
        if options.access_log:
            access_log = JsonLinesLog(
                lambda: os.fdopen(os.dup(sys.stderr.fileno()), "wb"),
                serialize=to_access_log_line,
                on_dropped=lambda lines: self._metrics.count_dropped_lines("access", lines),
            )
        if options.log_predictions is not None:
            prediction_log = PredictionLog(options.log_predictions, options, self._number, self._metrics)
        application = Application(
            self._state,
            build_routes(self._state, latency),
            metrics=self._metrics,
            latency=latency,
            access_log=access_log,
            prediction_log=prediction_log,
        )
        config = uvicorn.Config(
            application,
            http=partial(HeaderTimeoutProtocol, seconds=options.timeout),  # type: ignore[arg-type]
            lifespan="off",
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=int(options.grace),
        )
        self._server = _Server(config)
        loop = asyncio.get_running_loop()
        loop.add_reader(self._connection.fileno(), self._read_command)
        loop.add_signal_handler(signal.SIGTERM, self._drain)
        freeze_memory()
        self._connection.send({"event": "ready", "content": content})
        await self._server.serve(sockets=[listener])
        for lines in (access_log, prediction_log):
            if lines is not None:
                lines.close()

    def _read_command(self) -> None:
        try:
            command = self._connection.recv()
        except (EOFError, OSError):
            asyncio.get_running_loop().remove_reader(self._connection.fileno())
            self._drain()
            return
        task = asyncio.get_running_loop().create_task(self._handle_command(command))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle_command(self, command: dict[str, Any]) -> None:
        try:
            result = await self._run_command(command)
            response = {"id": command["id"], "found": result}
        except MlcraftError as error:
            response = {"id": command["id"], "error": str(error)}
        except Exception as error:
            log.exception("an order failed")
            response = {"id": command["id"], "error": f"{type(error).__name__}: {error}"}
        self._connection.send(response)

    async def _run_command(self, command: dict[str, Any]) -> Any:
        name = command["do"]
        if name == "prepare":
            return (await self._state.prepare(Path(command["model"]))).content
        if name == "try":
            return await self._predict_with_candidate(command["content"], command["records"])
        if name == "commit":
            self._state.commit(command["content"])
        elif name in ("revert", "confirm", "drain"):
            {"revert": self._state.revert, "confirm": self._state.confirm, "drain": self._drain}[name]()
        return {"pid": os.getpid(), "content": self._state.current.content if self._state.current else None}

    async def _predict_with_candidate(self, content: str, records: list[Any]) -> list[Any]:
        """The candidate's predictions for rows, validated and predicted like those of a request."""
        candidate = self._state.candidate(content)
        try:
            result = await candidate.predict(candidate.reader.read_records(records), probabilities=False)
        except RequestError as error:
            raise ServingError(error.message) from None
        predictions: list[Any] = result.predictions.tolist()
        return predictions

    def _drain(self) -> None:
        self._state.draining = True
        if self._server is not None:
            self._server.should_exit = True


class _Server(uvicorn.Server):
    """uvicorn without signal handlers: a terminal's Ctrl-C reaches the supervisor, which drains the workers."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
