"""Servers and clients as processes, for the benchmarks of serving."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.measure import ROOT
from bench.postgres import free_port


class UnavailableError(Exception):
    """A server cannot be installed or started; the message is the reason."""


CLIENTS = 8
INVOCATIONS = "/invocations"
_START = 120.0
_BIN = Path(sys.executable).parent


def start_client(
    port: int, body: bytes, seconds: float, *, clients: int = CLIENTS, path: str = INVOCATIONS
) -> subprocess.Popen[bytes]:
    """Start clients on the same machine, in one process of their own."""
    command = [sys.executable, "-m", "bench.http_load", str(port), path, str(clients), str(seconds)]
    client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    assert client.stdin is not None
    client.stdin.write(body)
    client.stdin.close()
    return client


def result_of(client: subprocess.Popen[bytes], seconds: float | None = None) -> dict[str, Any]:
    """The results of the clients."""
    # Its input is closed already, which `communicate` would try to flush.
    client.stdin = None
    output, _ = client.communicate(timeout=seconds)
    assert client.returncode == 0
    found: dict[str, Any] = json.loads(output)
    return found


def post(port: int, path: str, body: bytes) -> Any:
    """The JSON response to one request."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


@contextmanager
def serve_ours(folder: Path, model: Path, *options: str) -> Iterator[int]:
    """Run our server, with its state in `folder`; gives its port."""
    port = free_port()
    (folder / "state").mkdir(exist_ok=True)
    command = [sys.executable, "-m", "airflow_mlcraft.serving", "--model", str(model), "--port", str(port)]
    with run_server([*command, "--state", str(folder / "state"), *options], folder, port, "/health/ready"):
        yield port


@contextmanager
def serve_mlflow(folder: Path, model: Path) -> Iterator[int]:
    """Run MLflow's scoring server with one worker; gives its port."""
    port = free_port()
    command = [str(_BIN / "mlflow"), "models", "serve", "--model-uri", str(model), "--env-manager", "local"]
    with run_server([*command, "--port", str(port), "--workers", "1"], folder, port, "/health"):
        yield port


@contextmanager
def run_server(
    command: Sequence[str], folder: Path, port: int, health: str, *, binaries: Path = _BIN, **more: str
) -> Iterator[None]:
    """Run a server; the block starts when it is ready."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{binaries}:{os.environ['PATH']}", **more}
    log = (folder / f"{port}.log").open("wb")
    process = subprocess.Popen(command, stdout=log, stderr=log, env=env, cwd=folder, start_new_session=True)
    try:
        deadline = time.monotonic() + _START
        while not _is_ready(port, health):
            if process.poll() is not None or time.monotonic() > deadline:
                raise UnavailableError((folder / f"{port}.log").read_text()[-3000:])
            time.sleep(0.2)
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        log.close()
        shutil.rmtree(folder / "log", ignore_errors=True)


def _is_ready(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def split_body(columns: Sequence[str], data: Sequence[Sequence[Any]]) -> bytes:
    """Rows in the format `dataframe_split`, which our server and MLflow's both accept."""
    split: Mapping[str, Any] = {"columns": list(columns), "data": list(data)}
    return json.dumps({"dataframe_split": split}).encode()
