"""Model folders and real servers for the tests of this folder."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.serving import models

PROJECT = Path(__file__).parents[2]
START = 240.0


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class LiveServer:
    """A server in its own process, with a client."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, folder: Path):
        self.process, self.port, self.folder = process, port, folder

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def send_request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, seconds: float = 30
    ) -> Response:
        """Send one request on a new connection; a body other than text or bytes is sent as JSON."""
        sent = {} if body is None else {"Content-Type": "application/json"}
        content = body if body is None or isinstance(body, bytes | str) else json.dumps(body)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            connection.request(method, path, content, sent | (headers or {}))
            response = connection.getresponse()
            return Response(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read().decode())
        finally:
            connection.close()

    def get(self, path: str, **more: Any) -> Response:
        return self.send_request("GET", path, **more)

    def post(self, path: str, body: Any, **more: Any) -> Response:
        return self.send_request("POST", path, body, **more)

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextmanager
def live_server(folder: Path, model: Path, *options: str, **environment: str) -> Iterator[LiveServer]:
    """A server for as long as the context is open."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [sys.executable, "-m", "airflow_mlcraft.serving", "--model", str(model), "--port", str(port)]
    command += ["--state", str(folder), *options]
    env = {**os.environ, "PYTHONPATH": str(PROJECT), **environment}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=env)
    server = LiveServer(process, port, folder)
    try:
        wait_until(lambda: process.poll() is not None or is_ready(server))
        assert process.poll() is None, server.log()
        yield server
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def is_ready(server: LiveServer) -> bool:
    """Whether all workers are ready and the control socket is open."""
    try:
        return (server.folder / "admin.sock").exists() and server.get("/health/ready").status == 200
    except (OSError, http.client.HTTPException):
        return False


def wait_until(true: Callable[[], bool], seconds: float = START) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="session")
def model_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A function that returns the folder of a model in models.py, trained once."""
    folder = tmp_path_factory.mktemp("models")
    made: dict[str, Path] = {}

    def of(name: str) -> Path:
        if name not in made:
            made[name] = models.make(name, folder)
        return made[name]

    return of


@pytest.fixture(scope="module")
def iris(tmp_path_factory: pytest.TempPathFactory, model_of: Callable[[str], Path]) -> Iterator[LiveServer]:
    """A linear model of the irises, served by two workers."""
    folder = tmp_path_factory.mktemp("iris")
    with live_server(
        folder, model_of("linear"), "--name", "iris", "--workers", "2", "--max-body", "100000", "--max-rows", "100"
    ) as server:
        yield server


@pytest.fixture(scope="module")
def people_server(tmp_path_factory: pytest.TempPathFactory, model_of: Callable[[str], Path]) -> Iterator[LiveServer]:
    """A model with numbers, texts, truth values and missing values."""
    with live_server(tmp_path_factory.mktemp("people"), model_of("people"), "--name", "people") as server:
        yield server
