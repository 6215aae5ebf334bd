"""The control socket of a server: commands and responses as JSON lines, on a Unix socket of its user only."""

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
_MAX_LINE = 16 << 20
_MAX_SOCKET_NAME = 100
CommandHandler = Callable[[dict[str, Any]], Awaitable[Any]]


@contextlib.asynccontextmanager
async def serve_control_socket(folder: Path, handle: CommandHandler) -> AsyncIterator[None]:
    """Handle commands, one at a time, while the context is open."""
    lock = asyncio.Lock()

    async def handle_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ValueError):
            command = json.loads(await reader.readuntil(b"\n"))
            try:
                async with lock:
                    response = {"found": await handle(command)}
            except MlcraftError as error:
                response = {"error": str(error)}
            writer.write(json.dumps(response).encode() + b"\n")
            await writer.drain()
        writer.close()

    with _short_socket_path(folder / SOCKET) as name:
        (folder / SOCKET).unlink(missing_ok=True)
        previous_umask = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(handle_connection, name, limit=_MAX_LINE)
        finally:
            os.umask(previous_umask)
    try:
        yield
    finally:
        server.close()
        (folder / SOCKET).unlink(missing_ok=True)


def send_command(folder: Path, command: dict[str, Any], seconds: float = 150.0) -> Any:
    """Send a command to the server with this state folder and return its result; raises ServingError for a failure."""
    try:
        with _short_socket_path(folder / SOCKET) as name, socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(seconds)
            connection.connect(name)
            connection.sendall(json.dumps(command).encode() + b"\n")
            with connection.makefile("rb") as stream:
                line = stream.readline()
    except TimeoutError:
        raise ServingError(f"the server of {folder} did not answer within {seconds:g} s") from None
    except OSError as error:
        raise ServingError(f"no server answers in {folder}: {error.strerror}") from None
    if not line:
        raise ServingError(f"the server of {folder} ended before it answered")
    response = json.loads(line)
    if "error" in response:
        raise ServingError(response["error"])
    return response["found"]


@contextlib.contextmanager
def _short_socket_path(path: Path) -> Iterator[str]:
    """The path of a socket; if it is too long for a socket's name, by an open descriptor of its folder."""
    if len(os.fsencode(path)) < _MAX_SOCKET_NAME:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
