"""A stand-in for a container registry: the part of its protocol that a push needs, on the loopback address.

Engines push there without TLS. It keeps what it gets in memory, and can ask for a login.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Registry(ThreadingHTTPServer):
    """The pushed manifests by repository and name, and blobs by digest."""

    daemon_threads = True

    def __init__(self, login: str = ""):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.login = login
        self.blobs: dict[str, bytes] = {}
        self.uploads: dict[str, bytearray] = {}
        self.manifests: dict[tuple[str, str], bytes] = {}

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def config(self, repository: str, tag: str) -> Any:
        """The configuration of a pushed image."""
        manifest = json.loads(self.manifests[repository, tag])
        return json.loads(self.blobs[manifest["config"]["digest"]])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Registry

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the library
        pass

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def do_GET(self) -> None:
        self._answer() if self._may() else None

    def do_HEAD(self) -> None:
        if not self._may():
            return
        if found := re.fullmatch(r"/v2/(.+)/blobs/(sha256:\w+)", self.path):
            blob = self.server.blobs.get(found[2])
            self._answer(404) if blob is None else self._answer(200, {"Docker-Content-Digest": found[2]}, len(blob))
        else:
            self._answer(404)

    def do_POST(self) -> None:
        if self._may():
            place = f"/v2/upload/{len(self.server.uploads)}"
            self.server.uploads[place] = bytearray()
            self._answer(202, {"Location": f"http://{self.server.host}{place}", "Docker-Upload-UUID": place[-1]})

    def do_PATCH(self) -> None:
        if self._may():
            upload = self.server.uploads[self.path.partition("?")[0]]
            upload += self._body()
            self._answer(202, {"Location": f"http://{self.server.host}{self.path}", "Range": f"0-{len(upload) - 1}"})

    def do_PUT(self) -> None:
        if not self._may():
            return
        body = self._body()
        if found := re.fullmatch(r"/v2/(.+)/manifests/(.+)", self.path):
            self.server.manifests[found[1], found[2]] = body
            content = body
        else:
            content = bytes(self.server.uploads.pop(self.path.partition("?")[0]) + body)
            self.server.blobs[f"sha256:{hashlib.sha256(content).hexdigest()}"] = content
        self._answer(201, {"Docker-Content-Digest": f"sha256:{hashlib.sha256(content).hexdigest()}"})

    def _may(self) -> bool:
        given = self.headers.get("Authorization", "")
        wanted = f"Basic {base64.b64encode(self.server.login.encode()).decode()}"
        if self.server.login and given != wanted:
            self._body()
            self._answer(401, {"WWW-Authenticate": 'Basic realm="registry"'})
            return False
        return True

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            whole = b""
            while size := int(self.rfile.readline(), 16):
                whole += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return whole
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, status: int = 200, headers: dict[str, str] | None = None, size: int = 0) -> None:
        self.send_response(status)
        self.send_header("Docker-Distribution-API-Version", "registry/2.0")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(size))
        self.end_headers()


@contextmanager
def registry(login: str = "") -> Iterator[Registry]:
    """A registry for as long as the context is open; it requires a login "user:password" if one is given."""
    server = Registry(login)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
