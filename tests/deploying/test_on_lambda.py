"""The image with a stand-in for Lambda's runtime API, and without /dev/shm, as in Lambda."""

from __future__ import annotations

import base64
import json
import queue
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from docker import DockerClient

from airflow_mlcraft.deploying.aws.function import ENTRY
from airflow_mlcraft.project.build import BuiltImage
from airflow_mlcraft.serving.on_lambda import main, to_request, to_result


class Runtime(ThreadingHTTPServer):
    """The part of the runtime API that a function needs."""

    daemon_threads = True

    def __init__(self, host: str):
        super().__init__((host, 0), _Handler)
        self.events: queue.Queue[dict[str, Any]] = queue.Queue()
        self.answers: queue.Queue[tuple[str, Any]] = queue.Queue()

    def invoke(self, event: dict[str, Any]) -> tuple[str, Any]:
        """Invoke the function; returns `response` or `error`, and its result."""
        self.events.put(event)
        return self.answers.get(timeout=90)


class _Handler(BaseHTTPRequestHandler):
    server: Runtime

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the library
        pass

    def do_GET(self) -> None:
        assert self.path == "/2018-06-01/runtime/invocation/next"
        self._answer(json.dumps(self.server.events.get()).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        number, kind = self.path.removeprefix("/2018-06-01/runtime/invocation/").split("/")
        assert number == "request-1"
        self.server.answers.put((kind, json.loads(body)))
        self._answer(b"{}")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "request-1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def event(method: str, path: str, body: str = "", query: str = "", *, encoded: bool = False) -> dict[str, Any]:
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"content-type": "application/json", "host": "id.lambda-url.eu-central-1.on.aws"},
        "requestContext": {"http": {"method": method, "path": path}},
        "body": body,
        "isBase64Encoded": encoded,
    }


@pytest.fixture(scope="module")
def runtime(built: BuiltImage, client: DockerClient) -> Iterator[Runtime]:
    """The runtime API of a function that runs the image."""
    network = client.networks.get("bridge").attrs["IPAM"]["Config"][0]
    server = Runtime(str(network["Gateway"]))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # Lambda's file system is read-only but for /tmp, and it has no shared memory.
    limits: Any = {"read_only": True, "ipc_mode": "none", "tmpfs": {"/tmp": "size=64m,mode=1777"}}
    environment = {"AWS_LAMBDA_RUNTIME_API": f"{network['Gateway']}:{server.server_port}"}
    container = client.containers.run(
        built.image.id, ["--name", "iris"], entrypoint=ENTRY, detach=True, environment=environment, **limits
    )
    yield server
    container.remove(force=True, v=True)
    server.shutdown()


@pytest.mark.docker
@pytest.mark.registry
def test_a_function_answers(runtime: Runtime) -> None:
    kind, output = runtime.invoke(event("GET", "/health/ready"))
    assert (kind, output["statusCode"]) == ("response", 200)
    _, output = runtime.invoke(event("GET", "/model"))
    about = json.loads(output["body"])
    assert about["name"] == "iris"
    rows = json.dumps({"records": about["example"]})
    _, output = runtime.invoke(event("POST", "/predict", rows, "probabilities=true"))
    assert json.loads(output["body"])["predictions"] == [0, 0, 0, 0, 0]
    assert "probabilities" in json.loads(output["body"])
    encoded = base64.b64encode(rows.encode()).decode()
    assert runtime.invoke(event("POST", "/predict", encoded, encoded=True))[1]["statusCode"] == 200


@pytest.mark.docker
@pytest.mark.registry
def test_errors_are_those_of_the_server(runtime: Runtime) -> None:
    _, output = runtime.invoke(event("POST", "/predict", '{"records": [{}]}'))
    assert output["statusCode"] == 422
    assert "sepal length" in json.loads(output["body"])["error"]
    _, output = runtime.invoke(event("GET", "/"))
    assert output["headers"]["content-type"].startswith("text/html")
    kind, output = runtime.invoke({"no": "request"})
    assert (kind, output["errorType"]) == ("error", "KeyError")


def test_events_are_requests() -> None:
    method, path, headers, body = to_request(event("POST", "/predict", "e30=", "a=1&b", encoded=True))
    assert (method, path, body) == ("POST", "/predict?a=1&b", b"{}")
    assert headers == {"content-type": "application/json"}


def test_answers_are_results() -> None:
    answered = {"Content-Type": "application/json", "Content-Length": "2", "Connection": "keep-alive"}
    assert to_result(200, answered, b"{}") == {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": "{}",
        "isBase64Encoded": False,
    }
    assert to_result(200, {}, b"\xff")["body"] == "/w=="
    assert to_result(200, {}, b"\xff")["isBase64Encoded"] is True


def test_it_runs_on_lambda_only(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("AWS_LAMBDA_RUNTIME_API", raising=False)
    assert main([]) == 1
    assert "this is no Lambda function" in capsys.readouterr().err
