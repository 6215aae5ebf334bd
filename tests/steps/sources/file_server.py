"""A real http server with one file, and the faults that real servers have."""

from __future__ import annotations

import gzip
import hashlib
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

PIECE = 1 << 16


@dataclass
class RecordedRequest:
    """One request, the status of its response, and the number of bytes sent."""

    path: str
    headers: dict[str, str]
    status: int = 0
    sent: int = 0


@dataclass
class FileServer:
    """Serves `content` at any path below /file. What goes wrong is set by the test."""

    content: bytes = b"a,b\n1,2\n"
    ranges: bool = True
    etag: bool = True
    modified: str = ""
    key: tuple[str, str] | None = None
    break_after: list[int] = field(default_factory=list)
    statuses: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    redirect: str = ""
    gzipped: bool = False
    pause: float = 0.0
    requests: list[RecordedRequest] = field(default_factory=list)

    def __enter__(self) -> FileServer:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"file_server": self}))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    def url(self, path: str = "/file/data.csv") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    @property
    def tag(self) -> str:
        return f'"{hashlib.sha256(self.content).hexdigest()[:12]}"'


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    file_server: FileServer

    def do_GET(self) -> None:
        self.record = RecordedRequest(self.path, dict(self.headers.items()))
        self.file_server.requests.append(self.record)
        if self.file_server.statuses:
            self.end(*self.file_server.statuses.pop(0))
        elif self.file_server.redirect:
            self.end(302, {"Location": self.file_server.redirect})
        elif self.file_server.key and self.headers.get(self.file_server.key[0]) != self.file_server.key[1]:
            self.end(401, {})
        elif self.file_server.etag and self.headers.get("If-None-Match") == self.file_server.tag:
            self.end(304, {"ETag": self.file_server.tag})
        elif self.file_server.modified and self.headers.get("If-Modified-Since") == self.file_server.modified:
            self.end(304, {})
        else:
            self.file()

    def file(self) -> None:
        body = (
            gzip.compress(self.file_server.content, mtime=0) if self.file_server.gzipped else self.file_server.content
        )
        start, headers = 0, {"Content-Encoding": "gzip"} if self.file_server.gzipped else {}
        if self.file_server.etag:
            headers["ETag"] = self.file_server.tag
        if self.file_server.modified:
            headers["Last-Modified"] = self.file_server.modified
        wanted = self.headers.get("Range", "")
        fits = self.headers.get("If-Range") in (
            self.file_server.tag if self.file_server.etag else None,
            self.file_server.modified or None,
        )
        if self.file_server.ranges and wanted and fits:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                self.end(416, {"Content-Range": f"bytes */{len(body)}"})
                return
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        self.record.status = 206 if start else 200
        self.send_response(self.record.status)
        for name, value in {**headers, "Content-Length": str(len(body) - start)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.body(body[start:])

    def body(self, rest: bytes) -> None:
        limit = self.file_server.break_after.pop(0) if self.file_server.break_after else len(rest)
        for place in range(0, min(limit, len(rest)), PIECE):
            piece = rest[place : min(place + PIECE, limit)]
            try:
                self.wfile.write(piece)
            except OSError:
                return
            self.record.sent += len(piece)
            time.sleep(self.file_server.pause)
        if limit < len(rest):
            self.close_connection = True

    def end(self, status: int, headers: dict[str, str]) -> None:
        self.record.status = status
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *words: object) -> None:
        pass
