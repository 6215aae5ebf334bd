"""Is what was deployed what was meant? It is ready, serves this very model, and predicts the model's own example."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from airflow_mlcraft.deploying.errors import DeployingError

Ask = Callable[..., tuple[int, Any]]
"""Sends (method, path, body) and gives the status and the JSON."""
_FINE = 200
_SECONDS = 15.0


def check(ask: Ask, content: str) -> None:
    """Ask it; a sentence says what is wrong."""
    status, health = ask("GET", "/health/ready")
    if status != _FINE:
        raise DeployingError(f"what was deployed is not ready: {status} {_short(health)}")
    if not content.startswith(str(health.get("model") or "?")):
        raise DeployingError(f"what was deployed serves the model {health.get('model')}, not {content[:12]}")
    status, about = ask("GET", "/model")
    if status != _FINE:
        raise DeployingError(f"what was deployed does not say what it serves: {status} {_short(about)}")
    if rows := about["example"][:1]:
        status, said = ask("POST", "/predict", {"records": rows})
        if status != _FINE or not said.get("predictions"):
            raise DeployingError(f"what was deployed does not predict: {status} {_short(said)}")


def over_http(url: str, key: str = "") -> Ask:
    """Ask a server by its address."""
    import httpx

    def ask(method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"X-API-Key": key} if key else {}
        try:
            answer = httpx.request(method, url + path, json=body, headers=headers, timeout=_SECONDS)
            return answer.status_code, answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise DeployingError(f"{url}{path} does not answer: {error or type(error).__name__}") from error

    return ask


def _short(answer: Any) -> str:
    return json.dumps(answer)[:200]
