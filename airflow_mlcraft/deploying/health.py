"""Check of a deployment: it is ready, serves the expected model, and predicts the model's example."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from airflow_mlcraft.deploying.errors import DeployingError

SendRequest = Callable[..., tuple[int, Any]]
"""Sends (method, path, body) and returns the status and the JSON of the response."""
_OK = 200
_SECONDS = 15.0


def check_deployment(send: SendRequest, content: str) -> None:
    """Raise a DeployingError unless the deployment serves the model with this content hash."""
    status, health = send("GET", "/health/ready")
    if status != _OK:
        raise DeployingError(f"what was deployed is not ready: {status} {_summarize(health)}")
    if not content.startswith(str(health.get("model") or "?")):
        raise DeployingError(f"what was deployed serves the model {health.get('model')}, not {content[:12]}")
    status, model = send("GET", "/model")
    if status != _OK:
        raise DeployingError(f"what was deployed does not say what it serves: {status} {_summarize(model)}")
    if rows := model["example"][:1]:
        status, predicted = send("POST", "/predict", {"records": rows})
        if status != _OK or not predicted.get("predictions"):
            raise DeployingError(f"what was deployed does not predict: {status} {_summarize(predicted)}")


def http_sender(url: str, key: str = "") -> SendRequest:
    """A function that sends requests to the server at this address."""
    import httpx

    def send(method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"X-API-Key": key} if key else {}
        try:
            response = httpx.request(method, url + path, json=body, headers=headers, timeout=_SECONDS)
            return response.status_code, response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise DeployingError(f"{url}{path} does not answer: {error or type(error).__name__}") from error

    return send


def _summarize(response: Any) -> str:
    return json.dumps(response)[:200]
