"""The event loop of a worker: it serves one model, and does what the supervisor says."""

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
from airflow_mlcraft.serving.http.asgi_app import Front, access_line
from airflow_mlcraft.serving.http.errors import Refusal, ServingError
from airflow_mlcraft.serving.http.header_limit import LimitedProtocol
from airflow_mlcraft.serving.http.logs import LineLog, PredictionLog
from airflow_mlcraft.serving.http.metrics import Latency, Metrics
from airflow_mlcraft.serving.http.routes import routes
from airflow_mlcraft.serving.model.state import ServingState, freeze_memory
from airflow_mlcraft.serving.options import Options

log = logging.getLogger(__name__)
_KEEP_ALIVE = 75


class Worker:
    """Serves, and answers the supervisor's orders."""

    def __init__(self, options: Options, number: int, folder: Path, orders: Connection):

        self._options, self._number, self._folder, self._orders = options, number, folder, orders
        self._metrics = Metrics()
        self._state = ServingState(options, self._metrics)
        self._server: Any = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def live(self, model: Path, listener: socket.socket) -> None:
        """Load, say so, serve until told to end."""

        threadpool_limits(1)
        try:
            served = await self._state.prepare(model)
            self._state.commit(served.content)
            self._state.confirm()
        except MlcraftError as error:
            self._orders.send({"event": "broken", "error": str(error)})
            return
        log.info("model loaded", extra={"fields": {"content": served.content, "way": served.predictor.way}})
        await self._serve(listener, served.content)

    async def _serve(self, listener: socket.socket, content: str) -> None:
        options = self._options
        latency = Latency(self._folder, self._number)
        access = predictions = None
        if options.access_log:
            access = LineLog(
                lambda: os.fdopen(os.dup(sys.stderr.fileno()), "wb"),
                word=access_line,
                dropped=lambda lines: self._metrics.dropped("access", lines),
            )
        if options.log_predictions is not None:
            predictions = PredictionLog(options.log_predictions, options, self._number, self._metrics)
        front = Front(
            self._state,
            routes(self._state, latency),
            metrics=self._metrics,
            latency=latency,
            access=access,
            predictions=predictions,
        )
        config = uvicorn.Config(
            front,
            http=partial(LimitedProtocol, seconds=options.timeout),  # type: ignore[arg-type]
            lifespan="off",
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=int(options.grace),
        )
        self._server = _Server(config)
        loop = asyncio.get_running_loop()
        loop.add_reader(self._orders.fileno(), self._read)
        loop.add_signal_handler(signal.SIGTERM, self._drain)
        freeze_memory()
        self._orders.send({"event": "ready", "content": content})
        await self._server.serve(sockets=[listener])
        for lines in (access, predictions):
            if lines is not None:
                lines.close()

    def _read(self) -> None:
        try:
            order = self._orders.recv()
        except (EOFError, OSError):
            asyncio.get_running_loop().remove_reader(self._orders.fileno())
            self._drain()
            return
        task = asyncio.get_running_loop().create_task(self._obey(order))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _obey(self, order: dict[str, Any]) -> None:
        try:
            found = await self._do(order)
            answer = {"id": order["id"], "found": found}
        except MlcraftError as error:
            answer = {"id": order["id"], "error": str(error)}
        except Exception as error:
            log.exception("an order failed")
            answer = {"id": order["id"], "error": f"{type(error).__name__}: {error}"}
        self._orders.send(answer)

    async def _do(self, order: dict[str, Any]) -> Any:
        what = order["do"]
        if what == "prepare":
            return (await self._state.prepare(Path(order["model"]))).content
        if what == "try":
            return await self._try(order["content"], order["records"])
        if what == "commit":
            self._state.commit(order["content"])
        elif what in ("revert", "confirm", "drain"):
            {"revert": self._state.revert, "confirm": self._state.confirm, "drain": self._drain}[what]()
        return {"pid": os.getpid(), "content": self._state.current.content if self._state.current else None}

    async def _try(self, content: str, records: list[Any]) -> list[Any]:
        """What the candidate says to rows, read and answered as those of a request."""

        candidate = self._state.candidate(content)
        try:
            said = await candidate.answer(candidate.reader.records(records), probabilities=False)
        except Refusal as refusal:
            raise ServingError(refusal.message) from None
        found: list[Any] = said.predictions.tolist()
        return found

    def _drain(self) -> None:
        self._state.draining = True
        if self._server is not None:
            self._server.should_exit = True


class _Server(uvicorn.Server):
    """Ends when it is told to: a terminal's Ctrl-C reaches the supervisor, which says so."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
