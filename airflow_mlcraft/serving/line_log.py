"""Lines that are written by a thread of their own, in batches: never by who has a request to answer."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import orjson

_EVERY = 0.5
_MOST = 20_000


class LineLog:
    """A JSON line for each thing that is put in. What comes faster than it is written is dropped, and counted."""

    def __init__(
        self,
        open_file: Callable[[], BinaryIO],
        *,
        word: Callable[[Any], dict[str, Any]] = dict,
        size: Callable[[Any], int] = lambda _: 1,
        full: Callable[[BinaryIO], BinaryIO] = lambda file: file,
        dropped: Callable[[int], None] = lambda _: None,
    ):
        self._word, self._size, self._full, self._dropped = word, size, full, dropped
        self._waiting: deque[Any] = deque()
        # Each is changed by one thread only: what was put in, and what has been written of it.
        self._put = self._written = 0
        self._lost = 0
        self._file = open_file()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._live, name="log", daemon=True)
        self._thread.start()

    def put(self, thing: Any) -> None:
        """Keep it for the next batch."""
        size = self._size(thing)
        if self._put - self._written + size > _MOST:
            self._lost += 1
            return
        self._put += size
        self._waiting.append(thing)

    def close(self) -> None:
        """Write what is left."""
        self._end.set()
        self._thread.join()
        self._file.close()

    def _live(self) -> None:
        while not self._end.wait(_EVERY):
            self._write()
        self._write()

    def _write(self) -> None:
        if self._lost:
            lost, self._lost = self._lost, 0
            self._dropped(lost)
        lines, freed = [], 0
        while self._waiting:
            thing = self._waiting.popleft()
            freed += self._size(thing)
            lines.append(orjson.dumps(self._word(thing), default=str, option=orjson.OPT_APPEND_NEWLINE))
        self._written += freed
        if not lines:
            return
        try:
            self._file.write(b"".join(lines))
            self._file.flush()
            self._file = self._full(self._file)
        except OSError:  # a full disk must not end the server
            self._dropped(len(lines))


def rotated(path: Path, most_bytes: int, files: int) -> tuple[Callable[[], BinaryIO], Callable[[BinaryIO], BinaryIO]]:
    """What opens a file, and what starts a new one when it is full: `x.jsonl`, `x.1.jsonl` (older) and so on."""

    def opened() -> BinaryIO:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("ab")

    def full(file: BinaryIO) -> BinaryIO:
        if file.tell() < most_bytes:
            return file
        file.close()
        for number in range(files - 1, 0, -1):
            older = path if number == 1 else path.with_suffix(f".{number - 1}{path.suffix}")
            if older.exists():
                older.replace(path.with_suffix(f".{number}{path.suffix}"))
        return opened()

    return opened, full
