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
class Asked:
    """One request, and how many bytes it was given."""

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
    asked: list[Asked] = field(default_factory=list)

    def __enter__(self) -> FileServer:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"told": self}))
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
    told: FileServer

    def do_GET(self) -> None:
        self.asked = Asked(self.path, dict(self.headers.items()))
        self.told.asked.append(self.asked)
        if self.told.statuses:
            self.end(*self.told.statuses.pop(0))
        elif self.told.redirect:
            self.end(302, {"Location": self.told.redirect})
        elif self.told.key and self.headers.get(self.told.key[0]) != self.told.key[1]:
            self.end(401, {})
        elif self.told.etag and self.headers.get("If-None-Match") == self.told.tag:
            self.end(304, {"ETag": self.told.tag})
        elif self.told.modified and self.headers.get("If-Modified-Since") == self.told.modified:
            self.end(304, {})
        else:
            self.file()

    def file(self) -> None:
        body = gzip.compress(self.told.content, mtime=0) if self.told.gzipped else self.told.content
        start, headers = 0, {"Content-Encoding": "gzip"} if self.told.gzipped else {}
        if self.told.etag:
            headers["ETag"] = self.told.tag
        if self.told.modified:
            headers["Last-Modified"] = self.told.modified
        wanted = self.headers.get("Range", "")
        fits = self.headers.get("If-Range") in (self.told.tag if self.told.etag else None, self.told.modified or None)
        if self.told.ranges and wanted and fits:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                self.end(416, {"Content-Range": f"bytes */{len(body)}"})
                return
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        self.asked.status = 206 if start else 200
        self.send_response(self.asked.status)
        for name, value in {**headers, "Content-Length": str(len(body) - start)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.body(body[start:])

    def body(self, rest: bytes) -> None:
        limit = self.told.break_after.pop(0) if self.told.break_after else len(rest)
        for place in range(0, min(limit, len(rest)), PIECE):
            piece = rest[place : min(place + PIECE, limit)]
            try:
                self.wfile.write(piece)
            except OSError:
                return
            self.asked.sent += len(piece)
            time.sleep(self.told.pause)
        if limit < len(rest):
            self.close_connection = True

    def end(self, status: int, headers: dict[str, str]) -> None:
        self.asked.status = status
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *words: object) -> None:
        pass
