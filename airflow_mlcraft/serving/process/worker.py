"""The entry point of a worker process. Heavy imports happen in the worker, so that the supervisor stays small."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from airflow_mlcraft.serving.options import Options

# Imported once, before workers are forked: they share the memory and start quickly.
PRELOADED_MODULES = (
    "airflow_mlcraft.serving.process.worker_loop",
    "pandas",
    "sklearn.compose",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "sklearn.pipeline",
    "skops.io",
)


@dataclass(frozen=True)
class WorkerConfig:
    """A worker's number, first model, metrics folder and listening socket, and its connection to the supervisor."""

    number: int
    model: Path
    folder: Path
    listener: socket.socket
    connection: Connection


def run_worker(options: Options, config: WorkerConfig) -> None:
    """Run a worker until a `drain` command, or until the connection to the supervisor closes."""
    from airflow_mlcraft.serving.process.json_logging import configure_json_logging
    from airflow_mlcraft.serving.process.worker_loop import Worker

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    configure_json_logging()
    worker = Worker(options, config.number, config.folder, config.connection).run(config.model, config.listener)
    if sys.platform == "win32":
        asyncio.run(worker)
    else:
        import uvloop

        uvloop.run(worker)
