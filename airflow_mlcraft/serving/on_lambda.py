"""`python -m airflow_mlcraft.serving.on_lambda`: the server as a function of AWS Lambda.

Lambda's runtime API delivers each request as an event; it is forwarded to the server on the loopback address, and the
response goes back to the runtime API.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

RUNTIME_VARIABLE = "AWS_LAMBDA_RUNTIME_API"
"""The address of the runtime API; Lambda sets it."""
_API_PATH = "/2018-06-01/runtime"
_REQUEST_ID_HEADER = "Lambda-Runtime-Aws-Request-Id"
_HOST, _PORT = "127.0.0.1", 8000
_START_SECONDS = 60.0
_POLL_INTERVAL = 0.05
_RESPONSE_SECONDS = 900.0
_HOP_BY_HOP_HEADERS = frozenset(("connection", "keep-alive", "transfer-encoding", "content-length", "host"))
"""Headers that hold for one connection only."""


def main(arguments: list[str]) -> int:
    """Handle events until the server ends; returns 1."""
    runtime = os.environ.get(RUNTIME_VARIABLE)
    if not runtime:
        print(f"mlcraft serving: this is no Lambda function: {RUNTIME_VARIABLE} is not set", file=sys.stderr)
        return 1
    command = [sys.executable, "-m", "airflow_mlcraft.serving", *arguments, "--host", _HOST, "--port", str(_PORT)]
    server = subprocess.Popen(command)  # noqa: S603 - our own command
    try:
        # Lambda allows ten seconds for the start; a large model may load while the first request waits.
        while server.poll() is None:
            _handle_event(runtime, server)
    finally:
        server.terminate()
    return 1


def to_request(event: Mapping[str, Any]) -> tuple[str, str, dict[str, str], bytes]:
    """Method, path, headers and body of the request in an event of a function URL."""
    http_context = event["requestContext"]["http"]
    query = event.get("rawQueryString") or ""
    body = event.get("body") or ""
    content = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    headers = {
        name: value for name, value in (event.get("headers") or {}).items() if name.lower() not in _HOP_BY_HOP_HEADERS
    }
    return str(http_context["method"]), event.get("rawPath", "/") + (f"?{query}" if query else ""), headers, content


def to_result(status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The result that a function URL turns into this response."""
    result: dict[str, Any] = {
        "statusCode": status,
        "headers": {name.lower(): value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP_HEADERS},
        "isBase64Encoded": False,
    }
    try:
        return {**result, "body": body.decode()}
    except UnicodeDecodeError:
        return {**result, "body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def _handle_event(runtime: str, server: subprocess.Popen[bytes]) -> None:
    _, headers, content = _send_request(runtime, "GET", f"{_API_PATH}/invocation/next")
    request_id = headers[_REQUEST_ID_HEADER]
    try:
        request = to_request(json.loads(content))
        _wait_until_ready(server)
        result = to_result(*_send_request(f"{_HOST}:{_PORT}", *request))
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        error_body = json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)}).encode()
        _send_request(runtime, "POST", f"{_API_PATH}/invocation/{request_id}/error", {}, error_body)
    else:
        _send_request(runtime, "POST", f"{_API_PATH}/invocation/{request_id}/response", {}, json.dumps(result).encode())


def _wait_until_ready(server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if _send_request(f"{_HOST}:{_PORT}", "GET", "/health/ready")[0] == http.HTTPStatus.OK:
                return
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(_POLL_INTERVAL)
    raise OSError("the model cannot be served; the log says why")


def _send_request(
    host: str, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(host, timeout=_RESPONSE_SECONDS)
    try:
        connection.request(method, path, body or None, dict(headers or {}))
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
