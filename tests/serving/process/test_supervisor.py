"""Swaps, worker crashes and shutdown: every request is answered."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from airflow_mlcraft.serving.http.errors import ServingError
from airflow_mlcraft.serving.process.control_socket import send_command
from tests.serving import models
from tests.serving.conftest import LiveServer, live_server, wait_until
from tests.serving.load import LoadGenerator, Outcome
from tests.serving.models import ROW

ModelOf = Callable[[str], Path]


def test_swaps_under_load_lose_no_request(tmp_path: Path, model_of: ModelOf) -> None:
    with live_server(tmp_path, model_of("linear"), "--workers", "2") as server:
        outcome = asyncio.run(_swaps(server, [model_of("forest"), model_of("linear"), model_of("small_forest")]))
        assert set(outcome.statuses) == {200}, server.log()[-3000:]
        assert len(outcome.models) == 3
        version = send_command(server.folder, {"do": "status"})["content"][:12]
        assert server.get("/model").json["version"] == version
        served = [line for line in server.get("/metrics").text.splitlines() if line.startswith("mlcraft_model{")]
        assert [line.split('"')[1] for line in served if line.endswith(" 1.0")] == [version]


async def _swaps(server: LiveServer, folders: list[Path]) -> Outcome:
    async with LoadGenerator(server.port, {"records": [ROW]}, 8) as load:
        for folder in folders:
            await asyncio.to_thread(_swap, server, folder)
            await asyncio.sleep(0.3)
    return load.outcome


def _swap(server: LiveServer, folder: Path) -> None:
    content = send_command(server.folder, {"do": "prepare", "model": str(folder)})
    send_command(server.folder, {"do": "commit", "content": content})
    send_command(server.folder, {"do": "confirm"})


def test_revert_serves_the_previous_model(tmp_path: Path, model_of: ModelOf) -> None:
    with live_server(tmp_path, model_of("linear")) as server:
        first = server.get("/model").json["version"]
        content = send_command(tmp_path, {"do": "prepare", "model": str(model_of("forest"))})
        send_command(tmp_path, {"do": "commit", "content": content})
        assert server.get("/model").json["content"] == content
        send_command(tmp_path, {"do": "revert"})
        assert server.get("/model").json["version"] == first
        with pytest.raises(ServingError, match="no model to go back to"):
            send_command(tmp_path, {"do": "revert"})


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"do": "dance"}, "there is no order 'dance'"),
        ({"do": "commit", "content": "x"}, "no model with the content x was prepared"),
        ({"do": "prepare", "model": "/nowhere"}, "is no model"),
    ],
)
def test_invalid_commands(order: dict[str, Any], words: str, iris: LiveServer) -> None:
    with pytest.raises(ServingError, match=words):
        send_command(iris.folder, order)


def test_the_control_socket_is_private(iris: LiveServer) -> None:
    assert (iris.folder / "admin.sock").stat().st_mode & 0o777 == 0o600


def test_a_worker_that_dies_is_replaced(tmp_path: Path, model_of: ModelOf) -> None:
    with live_server(tmp_path, model_of("linear"), "--workers", "2") as server:
        server.post("/predict", {"records": [ROW]})
        before = {worker["pid"] for worker in send_command(tmp_path, {"do": "status"})["workers"]}
        os.kill(min(before), signal.SIGKILL)

        def are_replaced() -> bool:
            try:
                workers = {worker["pid"] for worker in send_command(tmp_path, {"do": "status"})["workers"]}
            except ServingError:
                return False
            return len(workers) == 2 and min(before) not in workers

        wait_until(are_replaced)
        assert server.post("/predict", {"records": [ROW]}).status == 200
        assert server.get("/predictions_count").json["predictions"] == 2


def test_shutdown_waits_for_requests_in_progress(tmp_path: Path, model_of: ModelOf) -> None:
    with live_server(tmp_path, model_of("slow"), **models.TRUST) as server:
        outcome = asyncio.run(stop_under_load(server))
        assert outcome.statuses[200] >= 4
        assert set(outcome.statuses) <= {200, 0}
        assert server.process.wait(30) == 0


async def stop_under_load(server: LiveServer) -> Outcome:
    """Send SIGTERM while each client has one request in progress."""
    load = LoadGenerator(server.port, {"records": [ROW]}, 4)
    async with load:
        await asyncio.sleep(0.2)
        load._ending = True
        server.process.send_signal(signal.SIGTERM)
    return load.outcome


def test_workers_end_with_their_supervisor(tmp_path: Path, model_of: ModelOf) -> None:
    with live_server(tmp_path, model_of("linear"), "--workers", "2") as server:
        children = psutil.Process(server.process.pid).children(recursive=True)
        assert len(children) >= 2
        server.process.kill()
        server.process.wait()
        _, left = psutil.wait_procs(children, timeout=30)
        assert left == []


def test_a_port_that_is_taken(iris: LiveServer, tmp_path: Path, model_of: ModelOf) -> None:
    from airflow_mlcraft.serving.process.command import main

    with pytest.raises(SystemExit):
        main(["--port", "1"])
    assert main(["--model", str(model_of("linear")), "--port", str(iris.port)]) == 1


def test_a_model_that_cannot_be_served(tmp_path: Path) -> None:
    import subprocess
    import sys

    command = [sys.executable, "-m", "airflow_mlcraft.serving", "--model", str(tmp_path), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"mlcraft serving: {tmp_path} is no model: it has no file MLmodel"
    assert "Traceback" not in done.stderr
