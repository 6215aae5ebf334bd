"""What is asked of the process that reads documents: started when it is needed, ended when it is not, never waited
for longer than a person would."""

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

_START = 60.0
_LIMIT = 30.0
_IDLE = 600.0
"""Seconds after which the process is ended, if nobody has asked for anything."""
_KEPT = (
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
"""All of the environment that it gets: documents are no matter for an API server's secrets."""


@dataclass
class Reading:
    """Where documents may be read from, and where plans are kept."""

    allowed_folders: Collection[Path]
    hosts: Collection[str] = ()
    cache: Path = Path()


@dataclass
class Workshop:
    """One process, which answers one request after the other."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _process: subprocess.Popen[bytes] | None = None
    _asked: float = 0.0

    def warm_up(self) -> None:
        """Start the process, if there is none, without waiting for it: somebody has opened the builder."""
        threading.Thread(target=self._warm, name="mlcraft-workshop", daemon=True).start()

    def plans(self, path: Path, text: str | None, reading: Reading, *, keep: bool = False) -> list[Plan]:
        """The plans of a text as if it were at `path`, or of what is there. `keep` puts them into the cache.

        Raises `FaultsError`.
        """
        found = self._ask("compile" if keep else "check", path, text, reading)
        return [Plan.from_json(one["plan"], digest=one["digest"], base=one["base"]) for one in found]

    def command(self, path: Path, text: str, values: Mapping[str, Json], reading: Reading) -> Json:
        """The command line of a tool. Raises `FaultsError`."""
        return self._ask("command", path, text, reading, values=values)

    def composer_form(self, path: Path, text: str, reading: Reading) -> Json:
        """The files that a document is in Rabix Composer's form, or the problems. Raises `FaultsError`."""
        return self._ask("composer_form", path, text, reading)

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _ask(self, action: str, path: Path, text: str | None, reading: Reading, **more: Json) -> Any:
        request = {
            "action": action,
            "path": str(path),
            "text": text,
            "hosts": sorted(reading.hosts),
            "within": [str(folder) for folder in reading.allowed_folders],
            "cache": str(reading.cache),
            **more,
        }
        with self._lock:
            answer = self._answer(request, path)
        if "errors" in answer:
            raise FaultsError([DocumentError(**error) for error in answer["errors"]])
        return answer["done"]

    def _answer(self, request: Json, path: Path) -> Any:
        self._asked = time.monotonic()
        for attempt in (1, 2):
            process = self._running()
            try:
                return self._exchange(process, request)
            except TimeoutError:
                self._end()
                raise FaultsError(
                    [DocumentError(f"was given up after {_LIMIT:g} seconds; make the document smaller", path=str(path))]
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
        return json.loads(_line(stdout, _LIMIT))

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        env = {name: os.environ[name] for name in _KEPT if name in os.environ}
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
                json.loads(_line(self._process.stdout, _START))
        atexit.register(self.close)
        threading.Thread(target=self._end_when_idle, args=(self._process,), daemon=True).start()
        return self._process

    def _warm(self) -> None:
        with self._lock:
            self._asked = time.monotonic()
            self._running()

    def _end_when_idle(self, process: subprocess.Popen[bytes]) -> None:
        while process.poll() is None:
            time.sleep(_IDLE / 10)
            with self._lock:
                if process is self._process and time.monotonic() - self._asked > _IDLE:
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
    """All that is wrong with a document."""

    def __init__(self, errors: list[DocumentError]):
        self.errors = errors
        first = errors[0]
        super().__init__(first.message, path=first.path, line=first.line, column=first.column)


def _line(pipe: Any, seconds: float) -> bytes:
    """A line of a pipe, if it comes in time."""
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
