"""A load generator with many connections, with little overhead of its own."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass
class Outcome:
    """Responses by status and by model. Status 0 stands for no response."""

    statuses: Counter[int] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)


async def send_request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, body: bytes, kind: str = "application/json"
) -> tuple[int, bytes]:
    """One request on an open connection."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    length = next(int(line[15:]) for line in lines if line.lower().startswith("content-length:"))
    return int(lines[0].split()[1]), await reader.readexactly(length)


class LoadGenerator:
    """Clients that repeat a request while the context is open."""

    def __init__(self, port: int, body: Any, clients: int, *, path: str = "/predict"):
        self.outcome = Outcome()
        self._port, self._body, self._path = port, orjson.dumps(body), path
        self._clients = clients
        self._ending = False
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> LoadGenerator:
        self._tasks = [asyncio.create_task(self._client()) for _ in range(self._clients)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ending = True
        await asyncio.gather(*self._tasks)

    async def _client(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while not self._ending:
            try:
                status, answer = await asyncio.wait_for(send_request(reader, writer, self._path, self._body), 30)
            except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
                self.outcome.statuses[0] += 1
                break
            self.outcome.statuses[status] += 1
            if status == 200:
                self.outcome.models[orjson.loads(answer).get("model", "")] += 1
        writer.close()
