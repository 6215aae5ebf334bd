"""uvicorn's HTTP protocol with a time limit for a request's headers; uvicorn itself waits for them without end."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_ANSWER = (
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%s"
)


class LimitedProtocol(HttpToolsProtocol):
    """Closes a connection that has sent nothing, or half a header, within `seconds`."""

    def __init__(self, *args: Any, seconds: float, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._seconds = seconds
        self._limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin the limit of the first request."""
        super().connection_made(transport)
        self._begin_limit()

    def on_message_begin(self) -> None:
        """Begin the limit of a later request; until it begins, uvicorn's own limit of idle connections counts."""
        super().on_message_begin()
        if self._limit is None:
            self._begin_limit()

    def on_headers_complete(self) -> None:
        """End the limit: the body has one of its own."""
        self._end_limit()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the limit with the connection."""
        self._end_limit()
        super().connection_lost(exc)

    def _begin_limit(self) -> None:
        self._limit = self.loop.call_later(self._seconds, self._give_up)

    def _end_limit(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def _give_up(self) -> None:
        self._limit = None
        if not self.transport.is_closing():
            body = b'{"error":"the headers of a request did not arrive within %g s"}' % self._seconds
            self.transport.write(_ANSWER % (len(body), body))
            self.transport.close()
