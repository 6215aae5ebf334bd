"""API key, limits of sizes and times, and overload."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.serving import models
from tests.serving.conftest import LiveServer, live_server
from tests.serving.load import LoadGenerator
from tests.serving.models import NAMES, ROW

ModelOf = Callable[[str], Path]


def test_the_key(tmp_path: Path, model_of: ModelOf) -> None:
    with live_server(tmp_path, model_of("small_forest"), MLCRAFT_API_KEY="s3cret") as server:
        for path in ("/", "/health", "/health/live", "/v2/health/ready"):
            assert server.get(path).status == 200
        for path in ("/model", "/metrics", "/latency", "/openapi.json", "/nothing"):
            refused = server.get(path)
            assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")
        body = {"records": [ROW]}
        assert server.post("/predict", body).status == 401
        for wrong in ({"X-API-Key": "s3cre"}, {"X-API-Key": "s3cret\u00e9"}, {"Authorization": "Basic s3cret"}):
            assert server.post("/predict", body, headers=wrong).status == 401
        for right in ({"X-API-Key": "s3cret"}, {"Authorization": "Bearer s3cret"}):
            assert server.post("/predict", body, headers=right).status == 200
        assert "s3cret" not in server.log()


def test_a_body_that_is_too_large(iris: LiveServer) -> None:
    answer = iris.post("/predict", " " * 100_001)
    assert answer.status == 413
    assert "100000 bytes" in answer.json["error"]


def test_a_chunked_body_that_is_too_large(iris: LiveServer) -> None:
    with socket.create_connection(("127.0.0.1", iris.port), timeout=30) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(3):
            connection.sendall(b"c350\r\n" + b" " * 50_000 + b"\r\n")
        assert connection.recv(1000).split()[1] == b"413"


def test_too_many_rows(tmp_path: Path, model_of: ModelOf) -> None:
    with live_server(tmp_path, model_of("small_forest"), "--max-rows", "3") as server:
        assert server.post("/predict", {"records": [ROW] * 3}).status == 200
        assert server.post("/predict", {"records": [ROW] * 4}).status == 422
        assert server.post("/predict", {"columns": {name: [1] * 4 for name in NAMES}}).status == 422


def test_a_model_that_takes_too_long(tmp_path: Path, model_of: ModelOf) -> None:
    with live_server(tmp_path, model_of("slow"), "--timeout", "0.1", **models.TRUST) as server:
        answer = server.post("/predict", {"records": [ROW]})
        assert answer.status == 504
        assert "within 0.1 s" in answer.json["error"]
        assert server.get("/health").status == 200


def test_a_body_that_never_comes(tmp_path: Path, model_of: ModelOf) -> None:
    with live_server(tmp_path, model_of("small_forest"), "--timeout", "0.2") as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n1")
            assert connection.recv(1000).split()[1] == b"408"
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n1")
        assert server.get("/health").status == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Le",
        b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /health HTTP/1.1\r\nHo",
        b"",
    ],
    ids=["no byte of the body", "no chunk of the body", "half a header", "half a second header", "nothing"],
)
def test_an_incomplete_request_times_out(sent: bytes, short_timeout_server: LiveServer) -> None:
    with socket.create_connection(("127.0.0.1", short_timeout_server.port), timeout=30) as connection:
        connection.sendall(sent)
        output = b""
        while part := connection.recv(1000):
            output += part
    answers = re.findall(rb"HTTP/1\.1 (\d+)", output)
    assert answers == ([b"200", b"408"] if sent.startswith(b"GET") else [b"408"])
    assert b"within 0.2 s" in output
    assert short_timeout_server.post("/predict", {"records": [ROW]}).status == 200


@pytest.fixture(scope="module")
def short_timeout_server(tmp_path_factory: pytest.TempPathFactory, model_of: ModelOf) -> Iterator[LiveServer]:
    """A server with a time limit of 0.2 s and a fast model."""
    with live_server(tmp_path_factory.mktemp("slow"), model_of("small_forest"), "--timeout", "0.2") as server:
        yield server


@pytest.mark.parametrize("clients", [16, 64])
def test_overload_is_refused_at_once(clients: int, tmp_path: Path, model_of: ModelOf) -> None:
    """The model takes 0.4 s for a request at a time, and four may wait."""
    options = ("--max-waiting", "4", "--timeout", "20")
    with live_server(tmp_path, model_of("slow"), *options, **models.TRUST) as server:
        statuses = asyncio.run(_overload(server, clients))
        assert set(statuses) <= {200, 503}
        assert statuses[200] > 0
        assert statuses[503] > 0
        refused = [line for line in server.log().splitlines() if '"status":503' in line]
        assert refused
        assert server.get("/health").status == 200
        assert server.post("/predict", {"records": [ROW]}).status == 200


async def _overload(server: LiveServer, clients: int) -> dict[int, int]:
    async with LoadGenerator(server.port, {"records": [ROW]}, clients) as load:
        await asyncio.sleep(2)
    return load.outcome.statuses


def test_overload_responses_have_retry_after(tmp_path: Path, model_of: ModelOf) -> None:
    async def refused(server: LiveServer) -> str:
        async with LoadGenerator(server.port, {"records": [ROW]}, 12):
            await asyncio.sleep(0.3)
            for _ in range(100):
                answer = await asyncio.to_thread(server.post, "/predict", {"records": [ROW]})
                if answer.status == 503:
                    return answer.headers["retry-after"]
        return ""

    with live_server(tmp_path, model_of("slow"), "--max-waiting", "1", **models.TRUST) as server:
        assert asyncio.run(refused(server)) == "1"


def test_internal_errors_reveal_nothing_to_clients(tmp_path: Path, model_of: ModelOf) -> None:
    with live_server(tmp_path, model_of("failing"), **models.TRUST) as server:
        assert server.post("/predict", {"records": [ROW]}).status == 200
        answer = server.post("/predict", {"records": [ROW | {NAMES[0]: 1000}]}, headers={"X-Request-ID": "bad-1"})
        assert (answer.status, set(answer.json)) == (500, {"error", "request_id"})
        assert "secret" not in answer.text
        logged = [json.loads(line) for line in server.log().splitlines()]
        fault = next(line for line in logged if "trace" in line)
        assert "bad-1" in fault["event"]
        assert "the secret of the server" in fault["trace"]
        assert server.post("/predict", {"records": [ROW]}).status == 200
