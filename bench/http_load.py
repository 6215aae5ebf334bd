"""A client with little overhead: `python -m bench.http_load PORT PATH CONCURRENCY SECONDS < BODY` prints its results.

It is a process of its own, with persistent connections and one request at a time on each.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter

import uvloop

WARM_UP = 1.0
UNANSWERED = 0
"""In place of a status, where the connection ended first."""


class _Connection(asyncio.Protocol):
    def __init__(self, request: bytes, seconds: list[float], statuses: Counter[int], end: float):
        self._request, self._seconds, self._statuses, self._end = request, seconds, statuses, end
        self._buffer = b""
        self._needed = 0
        self._begun = 0.0
        self._is_waiting = False
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send_request()

    def _send_request(self) -> None:
        self._is_waiting = True
        self._begun = time.perf_counter()
        self._transport.write(self._request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if not self._needed:
            head = self._buffer.find(b"\r\n\r\n")
            if head < 0:
                return
            lower = self._buffer[:head].lower()
            at = lower.find(b"content-length:") + 15
            stop = lower.find(b"\r\n", at)
            self._needed = head + 4 + int(lower[at:] if stop < 0 else lower[at:stop])
        if len(self._buffer) < self._needed:
            return
        now = time.perf_counter()
        self._is_waiting = False
        self._seconds.append(now - self._begun)
        self._statuses[int(self._buffer[9:12])] += 1
        self._buffer, self._needed = b"", 0
        if now < self._end:
            self._send_request()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if self._is_waiting:
            self._statuses[UNANSWERED] += 1
        if not self.done.done():
            self.done.set_result(None)


async def load(port: int, path: str, concurrency: int, seconds: float, body: bytes) -> dict[str, object]:
    """Send requests for so many seconds."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    latencies: list[float] = []
    statuses: Counter[int] = Counter()
    started = time.perf_counter()
    loop = asyncio.get_running_loop()
    connections = [
        await loop.create_connection(
            lambda: _Connection(request, latencies, statuses, started + seconds), "127.0.0.1", port
        )
        for _ in range(concurrency)
    ]
    await asyncio.gather(*(connection.done for _, connection in connections))
    elapsed = time.perf_counter() - started
    latencies.sort()
    quantiles = {
        f"p{share}": latencies[min(int(len(latencies) * share / 100), len(latencies) - 1)] * 1000
        for share in (50, 90, 99)
    }
    return {"requests": len(latencies) / elapsed, "statuses": dict(statuses), **quantiles}


def main() -> None:
    port, path, concurrency, seconds = sys.argv[1:]
    body = sys.stdin.buffer.read()
    uvloop.run(load(int(port), path, int(concurrency), WARM_UP, body))
    print(json.dumps(uvloop.run(load(int(port), path, int(concurrency), float(seconds), body))))


if __name__ == "__main__":
    main()
