"""Where a worker process begins. The supervisor, which imports this, stays small: what is heavy loads in the worker."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from airflow_mlcraft.serving.options import Options

# Loaded once, before workers are forked, so that they share it and start at once.
PRELOADED = (
    "airflow_mlcraft.serving.process.worker_loop",
    "pandas",
    "sklearn.compose",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "sklearn.pipeline",
    "skops.io",
)


@dataclass(frozen=True)
class Post:
    """Where a worker works: its number, its first model, the folder of metrics, the port, the line to who orders."""

    number: int
    model: Path
    folder: Path
    listener: socket.socket
    orders: Connection


def work(options: Options, post: Post) -> None:
    """The whole life of a worker. It ends with the supervisor: when nobody can give orders any more."""
    from airflow_mlcraft.serving.http.logs import log_as_json
    from airflow_mlcraft.serving.process.worker_loop import Worker

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    log_as_json()
    life = Worker(options, post.number, post.folder, post.orders).live(post.model, post.listener)
    if sys.platform == "win32":
        asyncio.run(life)
    else:
        import uvloop

        uvloop.run(life)
