"""JSON over one HTTP connection that stays open; failures are UnreachableError, BusyError or RefusedError."""

from __future__ import annotations

import http.client
import json
import os
import select
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

from airflow_mlcraft.common.urls import host_and_port, without_userinfo
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.tracking.api import BusyError, Credentials, RefusedError, UnreachableError

_UNAUTHORIZED = (401, 403)
_RETRY_LATER = (408, 425, 429, 502, 503, 504)


class Http:
    """A connection to a server."""

    def __init__(self, uri: str, credentials: Credentials, seconds: float = 10):
        parts = urlsplit(uri)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise MlcraftError(
                f"{without_userinfo(uri)!r} is no tracking server; expected an address like http://host:5000"
            )
        if parts.username and not credentials.header():
            credentials = Credentials(parts.username, parts.password or "")
        self.address = without_userinfo(uri)
        self._parts = parts
        self._path = parts.path.rstrip("/")
        self._headers = credentials.header()
        self._seconds = seconds
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Send a GET request and return the JSON of the response."""
        return self._json("GET", f"{path}?{urlencode(query)}" if query else path, None)

    def send(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send a request with a JSON body and return the JSON of the response."""
        return self._json(method, path, json.dumps(body, allow_nan=False).encode())

    def put_file(self, path: str, source: Path) -> None:
        """Upload a file."""
        with source.open("rb") as handle:
            size = str(os.fstat(handle.fileno()).st_size)
            self._send("PUT", quote(path), handle, {"Content-Type": "application/octet-stream", "Content-Length": size})

    def get_file(self, path: str) -> bytes:
        """Download a file."""
        return self._send("GET", quote(path), None, {})

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _json(self, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        answer = self._send(method, path, body, {"Content-Type": "application/json"})
        try:
            value = json.loads(answer or b"{}")
        except json.JSONDecodeError as error:
            raise UnreachableError(
                f"{self.address} answers, but not as a tracking server does; its address may be wrong"
            ) from error
        return value if isinstance(value, dict) else {}

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> bytes:
        """Send a request once, without retry: after a lost response only the caller can find out if it took effect."""
        try:
            connection = self._open_connection()
            connection.request(method, self._prefix() + self._path + path, body, {**self._headers, **headers})
            response = connection.getresponse()
            answer = response.read()
        except (http.client.HTTPException, OSError) as error:
            self.close()
            why = f"no answer within {self._seconds:g} s" if isinstance(error, TimeoutError) else str(error)
            raise UnreachableError(f"{self.address}: {why or type(error).__name__}") from error
        if response.status < 300:  # noqa: PLR2004
            return answer
        raise self._to_error(response.status, answer)

    def _open_connection(self) -> http.client.HTTPConnection:
        """Return the open connection, or a new one if the server has closed it: then the socket is readable."""
        sock = self._connection.sock if self._connection else None
        if sock is None or select.select([sock], [], [], 0)[0]:
            self.close()
            self._connection = self._connect()
        return self._connection  # type: ignore[return-value]

    def _to_error(self, status: int, answer: bytes) -> MlcraftError:
        try:
            body = json.loads(answer)
            code, message = str(body.get("error_code", "")), str(body.get("message", ""))
        except (json.JSONDecodeError, AttributeError):
            code, message = "", answer[:200].decode(errors="replace")
        failure = f"{self.address}: {status} {code} {message}".strip()
        if status in _UNAUTHORIZED:
            return UnreachableError(f"{failure} (user, password or token may be missing or wrong)")
        if status in _RETRY_LATER:
            return UnreachableError(failure)
        if status >= 500:  # noqa: PLR2004
            return BusyError(failure)
        return RefusedError(failure, code or ("ENDPOINT_NOT_FOUND" if status == 404 else ""))  # noqa: PLR2004

    def _connect(self) -> http.client.HTTPConnection:
        scheme, host = self._parts.scheme, str(self._parts.hostname)
        port = self._parts.port or (443 if scheme == "https" else 80)
        proxy = urlsplit(self._proxy())
        connect_host, connect_port = (proxy.hostname, proxy.port or 80) if proxy.hostname else (host, port)
        if scheme == "http":
            return http.client.HTTPConnection(connect_host, connect_port, timeout=self._seconds)
        connection = http.client.HTTPSConnection(
            connect_host, connect_port, timeout=self._seconds, context=_tls_context()
        )
        if proxy.hostname:
            connection.set_tunnel(host, port)
        return connection

    def _proxy(self) -> str:
        return "" if proxy_bypass(str(self._parts.hostname)) else getproxies().get(self._parts.scheme, "")

    def _prefix(self) -> str:
        """Return the prefix of a request's path: requests for plain HTTP through a proxy need the full URL."""
        return f"http://{host_and_port(self.address)}" if self._parts.scheme == "http" and self._proxy() else ""


def _tls_context() -> ssl.SSLContext:
    """Build the TLS context from the environment variables of mlflow."""
    context = ssl.create_default_context(cafile=os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH") or None)
    if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() == "true":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
