"""The client of the sandbox process, which loads documents for the web pages.

It starts the process when it is needed, ends it when it is idle, and limits the time of each request.
"""

from __future__ import annotations

import atexit
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_mlcraft.cwl.plan import Json, Plan
from airflow_mlcraft.errors import DocumentError

_START_SECONDS = 60.0
_MAX_SECONDS = 30.0
_IDLE_SECONDS = 600.0
"""Seconds without a request after which the process is ended."""
_ENVIRONMENT_VARIABLES = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
)
"""The only environment variables of the process, so that documents cannot read the secrets of an API server."""


@dataclass
class DocumentAccess:
    """The folders and hosts that documents may be read from, and the cache of plans."""

    allowed_folders: Collection[Path]
    hosts: Collection[str] = ()
    cache: Path = Path()


@dataclass
class Sandbox:
    """The sandbox process, which handles requests one after the other."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _process: subprocess.Popen[bytes] | None = None
    _last_request: float = 0.0

    def warm_up(self) -> None:
        """Start the process, if there is none, without waiting for it: called when the builder page is opened."""
        threading.Thread(target=self._start_process, name="mlcraft-sandbox", daemon=True).start()

    def compile(self, path: Path, text: str | None, access: DocumentAccess, *, keep: bool = False) -> list[Plan]:
        """Compile a text as the content of `path`, or that file, to plans. `keep` stores them in the cache.

        Raises `FaultsError`.
        """
        found = self._request("compile" if keep else "check", path, text, access)
        return [Plan.from_json(one["plan"], digest=one["digest"], base=one["base"]) for one in found]

    def build_command_line(self, path: Path, text: str, values: Mapping[str, Json], access: DocumentAccess) -> Json:
        """Build the command line of a tool. Raises `FaultsError`."""
        return self._request("command", path, text, access, values=values)

    def to_composer_form(self, path: Path, text: str, access: DocumentAccess) -> Json:
        """Convert a document to the files of Rabix Composer's form, or its problems. Raises `FaultsError`."""
        return self._request("composer_form", path, text, access)

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _request(self, action: str, path: Path, text: str | None, access: DocumentAccess, **fields: Json) -> Any:
        request = {
            "action": action,
            "path": str(path),
            "text": text,
            "hosts": sorted(access.hosts),
            "within": [str(folder) for folder in access.allowed_folders],
            "cache": str(access.cache),
            **fields,
        }
        with self._lock:
            answer = self._send(request, path)
        if "errors" in answer:
            raise FaultsError([DocumentError(**error) for error in answer["errors"]])
        return answer["done"]

    def _send(self, request: Json, path: Path) -> Any:
        self._last_request = time.monotonic()
        for attempt in (1, 2):
            process = self._ensure_process()
            try:
                return self._exchange(process, request)
            except TimeoutError:
                self._end()
                raise FaultsError(
                    [
                        DocumentError(
                            f"was given up after {_MAX_SECONDS:g} seconds; make the document smaller", path=str(path)
                        )
                    ]
                ) from None
            except (OSError, ValueError):
                self._end()
                if attempt == 2:  # noqa: PLR2004
                    break
        raise FaultsError([DocumentError("brings down the program that reads it", path=str(path))])

    def _exchange(self, process: subprocess.Popen[bytes], request: Json) -> Any:
        stdin, stdout = process.stdin, process.stdout
        if stdin is None or stdout is None:
            raise OSError("the process has no pipes")
        stdin.write(json.dumps(request).encode() + b"\n")
        stdin.flush()
        return json.loads(_read_line(stdout, _MAX_SECONDS))

    def _ensure_process(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        env = {name: os.environ[name] for name in _ENVIRONMENT_VARIABLES if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "airflow_mlcraft.library.sandbox_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=env,
            cwd="/",
            start_new_session=True,
        )
        if self._process.stdout is not None:
            with suppress(TimeoutError, ValueError):
                json.loads(_read_line(self._process.stdout, _START_SECONDS))
        atexit.register(self.close)
        threading.Thread(target=self._end_when_idle, args=(self._process,), daemon=True).start()
        return self._process

    def _start_process(self) -> None:
        with self._lock:
            self._last_request = time.monotonic()
            self._ensure_process()

    def _end_when_idle(self, process: subprocess.Popen[bytes]) -> None:
        while process.poll() is None:
            time.sleep(_IDLE_SECONDS / 10)
            with self._lock:
                if process is self._process and time.monotonic() - self._last_request > _IDLE_SECONDS:
                    self._end()

    def _end(self) -> None:
        if self._process is not None:
            with suppress(OSError):
                self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                with suppress(OSError):
                    pipe.close()  # type: ignore[union-attr]
            self._process = None


class FaultsError(DocumentError):
    """All errors of a document; the message is the first one."""

    def __init__(self, errors: list[DocumentError]):
        self.errors = errors
        first = errors[0]
        super().__init__(first.message, path=first.path, line=first.line, column=first.column)


def _read_line(pipe: Any, seconds: float) -> bytes:
    """Read a line from a pipe. Raises `TimeoutError` after `seconds`."""
    deadline = time.monotonic() + seconds
    parts: list[bytes] = []
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while not parts or not parts[-1].endswith(b"\n"):
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError
            part = os.read(pipe.fileno(), 1 << 20)
            if not part:
                raise OSError("the process has ended")
            parts.append(part)
    return b"".join(parts)
