"""`python -m airflow_mlcraft.serving.probe`: the health check of the server on this machine, for containers."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
from typing import Any

from airflow_mlcraft.serving.options import KEY_VARIABLE

_SECONDS = 4.0
_OK = 200


def probe(port: int, *, predict: bool = False) -> str:
    """Check the server; returns the fault, or an empty text.

    With `predict` the model has to predict its own example.
    """
    try:
        status, response = _send_request(port, "GET", "/health/ready")
        if status != _OK:
            return f"not ready: {response}"
        if not predict:
            return ""
        _, model = _send_request(port, "GET", "/model")
        if not model["example"]:
            return ""
        status, response = _send_request(port, "POST", "/predict", {"records": model["example"][:1]})
        return "" if status == _OK and response.get("predictions") else f"/predict answers {status}: {response}"
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        return f"no answer: {error}"


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 when the server answers, and 1 with a message otherwise."""
    parser = argparse.ArgumentParser(prog="python -m airflow_mlcraft.serving.probe", description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="the server's (%(default)s)")
    parser.add_argument("--predict", action="store_true", help="have it predict its own example, too")
    options = parser.parse_args(arguments)
    if fault := probe(options.port, predict=options.predict):
        print(fault, file=sys.stderr)
    return 1 if fault else 0


def _send_request(port: int, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get(KEY_VARIABLE):
        headers["X-API-Key"] = key
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
