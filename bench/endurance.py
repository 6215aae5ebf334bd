"""Memory of a server during ten minutes of requests: at their end, and after the first of them."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from airflow_mlcraft.serving.process.control_socket import send_command
from bench.measure import Figure
from bench.serving_load import result_of, serve_ours, start_client
from bench.serving_models import LINEAR, NUMBERS, ServedModel, numeric_models

LONG = 600.0


def figures() -> list[Figure]:
    """The memory of all processes of the server."""
    with TemporaryDirectory(prefix="bench-endurance-") as name:
        return [_memory(Path(name), numeric_models(Path(name))[LINEAR])]


def _memory(folder: Path, served: ServedModel) -> Figure:
    """The memory of all processes of the server: at the end of a long load, and after its first tenth."""
    with serve_ours(folder, served.folder, "--log-predictions", str(folder / "log")) as port:
        server = psutil.Process(send_command(folder / "state", {"do": "status"})["pid"])
        client = start_client(port, served.body(1), LONG)
        time.sleep(LONG / 10)
        first = _megabytes(server)
        time.sleep(LONG * 0.88)
        last = _megabytes(server)
        measured = result_of(client)
    return Figure(
        f"{LINEAR} on {NUMBERS}, one row a request: memory after {LONG / 60:.0f} minutes of load / after the first",
        last / first,
        "≤ 1.05",
        f"{last:.0f} MB / {first:.0f} MB, {measured['requests']:.0f} requests a second",
    )


def _megabytes(server: psutil.Process) -> float:
    """The memory that would be free without the server, in megabytes."""
    return sum(one.memory_full_info().uss for one in (server, *server.children(recursive=True))) / 1e6
