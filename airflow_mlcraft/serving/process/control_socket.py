"""The way to give orders to a server: a JSON line each way through a Unix socket, which only its user can open."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.serving.http.errors import ServingError

SOCKET = "admin.sock"
_LINE = 16 << 20
_LONGEST_NAME = 100
Obey = Callable[[dict[str, Any]], Awaitable[Any]]


@contextlib.asynccontextmanager
async def serve_admin(folder: Path, obey: Obey) -> AsyncIterator[None]:
    """Take orders for as long as the context is open; one at a time."""
    one_by_one = asyncio.Lock()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ValueError):
            order = json.loads(await reader.readuntil(b"\n"))
            try:
                async with one_by_one:
                    answer = {"found": await obey(order)}
            except MlcraftError as error:
                answer = {"error": str(error)}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        writer.close()

    with _short(folder / SOCKET) as name:
        (folder / SOCKET).unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(connected, name, limit=_LINE)
        finally:
            os.umask(before)
    try:
        yield
    finally:
        server.close()
        (folder / SOCKET).unlink(missing_ok=True)


def tell(folder: Path, order: dict[str, Any], seconds: float = 150.0) -> Any:
    """Give an order to the server whose state folder this is, and wait for what it says."""
    try:
        with _short(folder / SOCKET) as name, socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(seconds)
            connection.connect(name)
            connection.sendall(json.dumps(order).encode() + b"\n")
            with connection.makefile("rb") as stream:
                line = stream.readline()
    except TimeoutError:
        raise ServingError(f"the server of {folder} did not answer within {seconds:g} s") from None
    except OSError as error:
        raise ServingError(f"no server answers in {folder}: {error.strerror}") from None
    if not line:
        raise ServingError(f"the server of {folder} ended before it answered")
    answer = json.loads(line)
    if "error" in answer:
        raise ServingError(answer["error"])
    return answer["found"]


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name for the path that is short enough for a socket: by its folder's open descriptor where it is not."""
    if len(os.fsencode(path)) < _LONGEST_NAME:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
