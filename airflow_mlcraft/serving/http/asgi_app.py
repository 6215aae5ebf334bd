"""The ASGI application of the server: request ids, API key, body limits, predictions, and errors as JSON.

Predictions are answered here, without a framework, for speed; all other routes are those of `routes`.
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
from airflow_mlcraft.serving.http.errors import RequestError
from airflow_mlcraft.serving.http.formats import InferenceRequest
from airflow_mlcraft.serving.http.logs import JsonLinesLog, PredictionLog
from airflow_mlcraft.serving.http.metrics import LatencyRing, Metrics
from airflow_mlcraft.serving.model.state import ServedModel, ServingState
from airflow_mlcraft.serving.options import KEY_VARIABLE, SELF_TEST_HEADER

log = logging.getLogger(__name__)
Scope = dict[str, Any]
Asgi = Callable[[Scope, Any, Any], Any]
RequestParser = Callable[[ServedModel, bytes, str, bytes], InferenceRequest]

_INFERENCE_PARSERS: dict[str, RequestParser] = {
    "/predict": formats.parse_predict,
    "/invocations": formats.parse_invocations,
}
_PUBLIC_PATHS = frozenset(
    ("/", "/page.js", "/page.css", "/health", "/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready")
)
_SELF_TEST = SELF_TEST_HEADER.encode()
_REQUEST_ID = re.compile(rb"[\w.:-]{1,128}", re.ASCII)
_JSON_HEADER = (b"content-type", b"application/json")
# Closes the connection, since the rest of the body is not read.
_CLOSE_HEADER = {"connection": "close"}
_JSON_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


class Application:
    """Responds to predictions itself, and forwards other requests to the ASGI application `routes`."""

    def __init__(
        self,
        state: ServingState,
        routes: Asgi,
        *,
        metrics: Metrics,
        latency: LatencyRing,
        access_log: JsonLinesLog | None = None,
        prediction_log: PredictionLog | None = None,
    ):
        self._state, self._routes = state, routes
        self._metrics, self._latency = metrics, latency
        self._access_log, self._prediction_log = access_log, prediction_log
        self._key = os.environ.get(KEY_VARIABLE, "").encode()
        self._self_test = state.options.self_test.encode()
        self._timeout = state.options.timeout
        self._max_body = state.options.max_body
        self._request_ids = (f"{secrets.token_hex(6)}-{number:x}".encode() for number in count(1))
        self._infer_path = f"/v2/models/{state.options.name}/infer"

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        started = time.perf_counter()
        headers = dict(scope["headers"])
        supplied = headers.get(b"x-request-id", b"")
        request_id = supplied if _REQUEST_ID.fullmatch(supplied) else next(self._request_ids)
        path = scope["path"]
        parse = _INFERENCE_PARSERS.get(path) or (inference_protocol.parse_infer if path == self._infer_path else None)
        self._metrics.request_started()
        status, rows = 500, 0
        is_counted = not hmac.compare_digest(headers.get(_SELF_TEST, b""), self._self_test)
        try:
            self._check_key(path, headers)
            if parse is None:
                status = await self._forward(scope, receive, send, request_id)
            else:
                request, response = await self._predict(
                    parse, scope, headers=headers, receive=receive, request_id=request_id, is_counted=is_counted
                )
                status, rows = 200, len(request.table)
                await _send_json(send, 200, response, request_id)
        except RequestError as error:
            status = error.status
            response = {"error": error.message, **error.location, "request_id": request_id.decode()}
            await _send_json(send, status, response, request_id, error.headers)
        except _ClientDisconnectedError:
            status = 499
        except Exception:
            log.exception("request %s failed", request_id.decode())
            response = {"error": "the server failed; its log says why", "request_id": request_id.decode()}
            await _send_json(send, 500, response, request_id)
        finally:
            seconds = time.perf_counter() - started
            endpoint = path if parse is None or path in _INFERENCE_PARSERS else "/v2/infer"
            self._metrics.request_finished(endpoint if parse or path in _PUBLIC_PATHS else "other", status, seconds)
            if parse and is_counted:
                self._latency.add(seconds, rows)
            if self._access_log is not None:
                self._access_log.put((time.time(), request_id, scope["method"], path, status, seconds, rows))

    async def _predict(
        self,
        parse: RequestParser,
        scope: Scope,
        *,
        headers: dict[bytes, bytes],
        receive: Any,
        request_id: bytes,
        is_counted: bool,
    ) -> tuple[InferenceRequest, Any]:
        if scope["method"] != "POST":
            raise RequestError(405, f"{scope['path']} takes POST only", headers={"allow": "POST"})
        body = await self._read_body(headers, receive)
        served = self._state.current
        if served is None:
            raise RequestError(503, "no model is loaded yet", headers={"retry-after": "1"})
        content_type = headers.get(b"content-type", b"").split(b";")[0].strip().lower().decode("latin-1")
        request = parse(served, body, content_type, scope["query_string"])
        result = await served.predict(request.table, probabilities=request.probabilities)
        if not is_counted:
            return request, request.build_response(result)
        self._metrics.count_predictions(served.version, served.predictor.classes, result.predictions)
        if self._prediction_log is not None:
            self._prediction_log.put(request_id, served, request.table, result)
        return request, request.build_response(result)

    def _check_key(self, path: str, headers: dict[bytes, bytes]) -> None:
        if not self._key or path in _PUBLIC_PATHS:
            return
        supplied = headers.get(b"x-api-key") or headers.get(b"authorization", b"").removeprefix(b"Bearer ")
        if not hmac.compare_digest(supplied, self._key):
            raise RequestError(
                401,
                "this server asks for its API key, as X-API-Key or as a bearer token",
                headers={"www-authenticate": "Bearer"},
            )

    async def _read_body(self, headers: dict[bytes, bytes], receive: Any) -> bytes:
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._max_body:
            raise self._body_too_large()
        reader = asyncio.current_task()
        timed_out = False

        def cancel_reading() -> None:
            nonlocal timed_out
            timed_out = True
            if reader is not None:
                reader.cancel()

        # asyncio.wait_for makes a task for each request, and Python 3.10 lacks asyncio.timeout.
        timer = asyncio.get_running_loop().call_later(self._timeout, cancel_reading)
        try:
            return await self._receive_body(receive)
        except asyncio.CancelledError:
            if not timed_out:
                raise
            if sys.version_info >= (3, 11) and reader is not None:
                reader.uncancel()
            raise RequestError(
                408, f"the body did not arrive within {self._timeout:g} s", headers=_CLOSE_HEADER
            ) from None
        finally:
            timer.cancel()

    async def _receive_body(self, receive: Any) -> bytes:
        parts, size, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _ClientDisconnectedError
            part: bytes = message.get("body", b"")
            size += len(part)
            if size > self._max_body:
                raise self._body_too_large()
            more = message.get("more_body", False)
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _body_too_large(self) -> RequestError:
        return RequestError(
            413, f"the body is larger than the {self._max_body} bytes that this server takes", headers=_CLOSE_HEADER
        )

    async def _forward(self, scope: Scope, receive: Any, send: Any, request_id: bytes) -> int:
        status = 500

        async def with_id(message: dict[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id)]
            await send(message)

        scope["state"] = {"request_id": request_id.decode()}
        await self._routes(scope, receive, with_id)
        return status


class _ClientDisconnectedError(Exception):
    """The client closed the connection before its body was complete."""


async def _send_json(
    send: Any, status: int, response: Any, request_id: bytes, headers: dict[str, str] | None = None
) -> None:
    body = orjson.dumps(response, option=_JSON_OPTIONS)
    all_headers = [_JSON_HEADER, (b"content-length", str(len(body)).encode()), (b"x-request-id", request_id)]
    if headers:
        all_headers += [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": all_headers})
    await send({"type": "http.response.body", "body": body})


def to_access_log_line(entry: tuple[float, bytes, str, str, int, float, int]) -> dict[str, Any]:
    """A request as a line of the access log."""
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
