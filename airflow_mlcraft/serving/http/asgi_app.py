"""The ASGI application that every request meets first. It answers predictions itself, and hands on what is rare.

Each request gets an id, the key is checked, the body is bounded, and what went wrong becomes a sentence in JSON.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import math
import os
import re
import secrets
import sys
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import orjson

from airflow_mlcraft.serving.http import formats, inference_protocol
from airflow_mlcraft.serving.http.errors import Refusal
from airflow_mlcraft.serving.http.formats import Question
from airflow_mlcraft.serving.http.logs import LineLog, PredictionLog
from airflow_mlcraft.serving.http.metrics import Latency, Metrics
from airflow_mlcraft.serving.model.state import Served, ServingState
from airflow_mlcraft.serving.options import KEY_VARIABLE, SELF_TEST_HEADER

log = logging.getLogger(__name__)
Scope = dict[str, Any]
Asgi = Callable[[Scope, Any, Any], Any]
Ask = Callable[[Served, bytes, str, bytes], Question]

_PREDICTING: dict[str, Ask] = {"/predict": formats.predict, "/invocations": formats.invocations}
_OPEN = frozenset(
    ("/", "/page.js", "/page.css", "/health", "/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready")
)
_SELF_TEST = SELF_TEST_HEADER.encode()
_REQUEST_ID = re.compile(rb"[\w.:-]{1,128}", re.ASCII)
_JSON = (b"content-type", b"application/json")
# The rest of the body is not read.
_CLOSE = {"connection": "close"}
_DUMP = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


class Front:
    """Stands before `rest`, which has the routes that are not predictions."""

    def __init__(
        self,
        state: ServingState,
        rest: Asgi,
        *,
        metrics: Metrics,
        latency: Latency,
        access: LineLog | None = None,
        predictions: PredictionLog | None = None,
    ):
        self._state, self._rest = state, rest
        self._metrics, self._latency = metrics, latency
        self._access, self._log = access, predictions
        self._key = os.environ.get(KEY_VARIABLE, "").encode()
        self._self_test = state.options.self_test.encode()
        self._timeout = state.options.timeout
        self._max_body = state.options.max_body
        self._ids = (f"{secrets.token_hex(6)}-{number:x}".encode() for number in count(1))
        self._infer = f"/v2/models/{state.options.name}/infer"

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        begun = time.perf_counter()
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given if _REQUEST_ID.fullmatch(given) else next(self._ids)
        path = scope["path"]
        ask = _PREDICTING.get(path) or (inference_protocol.infer if path == self._infer else None)
        self._metrics.begin()
        status, rows = 500, 0
        counted = not hmac.compare_digest(headers.get(_SELF_TEST, b""), self._self_test)
        try:
            self._check_key(path, headers)
            if ask is None:
                status = await self._hand_on(scope, receive, send, request_id)
            else:
                question, answer = await self._predict(
                    ask, scope, headers=headers, receive=receive, request_id=request_id, counted=counted
                )
                status, rows = 200, len(question.table)
                await _send(send, 200, answer, request_id)
        except Refusal as refusal:
            status = refusal.status
            answer = {"error": refusal.message, **refusal.place, "request_id": request_id.decode()}
            await _send(send, status, answer, request_id, refusal.headers)
        except _Gone:
            status = 499
        except Exception:
            log.exception("request %s failed", request_id.decode())
            answer = {"error": "the server failed; its log says why", "request_id": request_id.decode()}
            await _send(send, 500, answer, request_id)
        finally:
            seconds = time.perf_counter() - begun
            endpoint = path if ask is None or path in _PREDICTING else "/v2/infer"
            self._metrics.end(endpoint if ask or path in _OPEN else "other", status, seconds)
            if ask and counted:
                self._latency.add(seconds, rows)
            if self._access is not None:
                self._access.put((time.time(), request_id, scope["method"], path, status, seconds, rows))

    async def _predict(
        self, ask: Ask, scope: Scope, *, headers: dict[bytes, bytes], receive: Any, request_id: bytes, counted: bool
    ) -> tuple[Question, Any]:
        if scope["method"] != "POST":
            raise Refusal(405, f"{scope['path']} takes POST only", headers={"allow": "POST"})
        body = await self._body(headers, receive)
        served = self._state.current
        if served is None:
            raise Refusal(503, "no model is loaded yet", headers={"retry-after": "1"})
        content_type = headers.get(b"content-type", b"").split(b";")[0].strip().lower().decode("latin-1")
        question = ask(served, body, content_type, scope["query_string"])
        said = await served.answer(question.table, probabilities=question.probabilities)
        if not counted:
            return question, question.word(said)
        self._metrics.predicted(served.version, served.predictor.classes, said.predictions)
        if self._log is not None:
            self._log.put(request_id, served, question.table, said)
        return question, question.word(said)

    def _check_key(self, path: str, headers: dict[bytes, bytes]) -> None:
        if not self._key or path in _OPEN:
            return
        given = headers.get(b"x-api-key") or headers.get(b"authorization", b"").removeprefix(b"Bearer ")
        if not hmac.compare_digest(given, self._key):
            raise Refusal(
                401,
                "this server asks for its API key, as X-API-Key or as a bearer token",
                headers={"www-authenticate": "Bearer"},
            )

    async def _body(self, headers: dict[bytes, bytes], receive: Any) -> bytes:
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._max_body:
            raise self._too_large()
        reading = asyncio.current_task()
        late = False

        def give_up() -> None:
            nonlocal late
            late = True
            if reading is not None:
                reading.cancel()

        # Not wait_for, which makes a task for each request; and asyncio.timeout is not in Python 3.10.
        timer = asyncio.get_running_loop().call_later(self._timeout, give_up)
        try:
            return await self._whole_body(receive)
        except asyncio.CancelledError:
            if not late:
                raise
            if sys.version_info >= (3, 11) and reading is not None:
                reading.uncancel()
            raise Refusal(408, f"the body did not arrive within {self._timeout:g} s", headers=_CLOSE) from None
        finally:
            timer.cancel()

    async def _whole_body(self, receive: Any) -> bytes:
        parts, size, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Gone
            part: bytes = message.get("body", b"")
            size += len(part)
            if size > self._max_body:
                raise self._too_large()
            more = message.get("more_body", False)
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _too_large(self) -> Refusal:
        return Refusal(
            413, f"the body is larger than the {self._max_body} bytes that this server takes", headers=_CLOSE
        )

    async def _hand_on(self, scope: Scope, receive: Any, send: Any, request_id: bytes) -> int:
        status = 500

        async def with_id(message: dict[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id)]
            await send(message)

        scope["state"] = {"request_id": request_id.decode()}
        await self._rest(scope, receive, with_id)
        return status


class _Gone(Exception):  # noqa: N818 - the client's choice
    """The client has left."""


async def _send(send: Any, status: int, answer: Any, request_id: bytes, headers: dict[str, str] | None = None) -> None:
    body = orjson.dumps(answer, option=_DUMP)
    sent = [_JSON, (b"content-length", str(len(body)).encode()), (b"x-request-id", request_id)]
    if headers:
        sent += [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": body})


def access_line(entry: tuple[float, bytes, str, str, int, float, int]) -> dict[str, Any]:
    """A request, as the log words it."""
    at, request_id, method, path, status, seconds, rows = entry
    return {
        "time": math.floor(at * 1000) / 1000,
        "event": "request",
        "request_id": request_id.decode(),
        "method": method,
        "path": path,
        "status": status,
        "milliseconds": round(seconds * 1000, 3),
        "rows": rows,
    }
