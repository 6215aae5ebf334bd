"""`python -m airflow_mlcraft.serving.on_lambda`: the same server behind AWS Lambda, which hands out requests by itself.

Lambda gives each request as an event of its runtime API. The server runs beside, on the loopback address, and what
it answers goes back the same way.
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

RUNTIME = "AWS_LAMBDA_RUNTIME_API"
"""Where the runtime API is; Lambda sets it."""
_API = "/2018-06-01/runtime"
_ID = "Lambda-Runtime-Aws-Request-Id"
_HOST, _PORT = "127.0.0.1", 8000
_START = 60.0
_LOOK = 0.05
_ANSWER = 900.0
_OWN = frozenset(("connection", "keep-alive", "transfer-encoding", "content-length", "host"))
"""Headers of one connection, which mean nothing on the next."""


def main(arguments: list[str]) -> int:
    """Answer what Lambda hands out, for as long as it does; 1 where the server cannot."""
    runtime = os.environ.get(RUNTIME)
    if not runtime:
        print(f"mlcraft serving: this is no Lambda function: {RUNTIME} is not set", file=sys.stderr)
        return 1
    command = [sys.executable, "-m", "airflow_mlcraft.serving", *arguments, "--host", _HOST, "--port", str(_PORT)]
    server = subprocess.Popen(command)  # noqa: S603 - our own command
    try:
        # A function is given ten seconds to begin with; a large model may load while the first request waits.
        while server.poll() is None:
            _answer_one(runtime, server)
    finally:
        server.terminate()
    return 1


def to_request(event: Mapping[str, Any]) -> tuple[str, str, dict[str, str], bytes]:
    """Method, path, headers and body of the request that an event of a function's URL is."""
    asked = event["requestContext"]["http"]
    query = event.get("rawQueryString") or ""
    body = event.get("body") or ""
    content = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    headers = {name: value for name, value in (event.get("headers") or {}).items() if name.lower() not in _OWN}
    return str(asked["method"]), event.get("rawPath", "/") + (f"?{query}" if query else ""), headers, content


def to_result(status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """What a function's URL makes an answer of."""
    made: dict[str, Any] = {
        "statusCode": status,
        "headers": {name.lower(): value for name, value in headers.items() if name.lower() not in _OWN},
        "isBase64Encoded": False,
    }
    try:
        return {**made, "body": body.decode()}
    except UnicodeDecodeError:
        return {**made, "body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def _answer_one(runtime: str, server: subprocess.Popen[bytes]) -> None:
    _, headers, content = _ask(runtime, "GET", f"{_API}/invocation/next")
    number = headers[_ID]
    try:
        request = to_request(json.loads(content))
        _wait_ready(server)
        result = to_result(*_ask(f"{_HOST}:{_PORT}", *request))
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        told = json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)}).encode()
        _ask(runtime, "POST", f"{_API}/invocation/{number}/error", {}, told)
    else:
        _ask(runtime, "POST", f"{_API}/invocation/{number}/response", {}, json.dumps(result).encode())


def _wait_ready(server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if _ask(f"{_HOST}:{_PORT}", "GET", "/health/ready")[0] == http.HTTPStatus.OK:
                return
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(_LOOK)
    raise OSError("the model cannot be served; the log says why")


def _ask(
    place: str, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(place, timeout=_ANSWER)
    try:
        connection.request(method, path, body or None, dict(headers or {}))
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
