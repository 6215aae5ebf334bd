"""What was asked and what was said, for monitoring: JSON lines in a folder, off the way of the request."""

from __future__ import annotations

import json
import logging
import math
import random
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from airflow_mlcraft.serving.http.batching import Said
from airflow_mlcraft.serving.http.metrics import Metrics
from airflow_mlcraft.serving.model.signature import Signature
from airflow_mlcraft.serving.model.state import Served
from airflow_mlcraft.serving.model.tables import Table
from airflow_mlcraft.serving.options import Options

Entry = tuple[float, bytes, str, Signature, Table, Said]


class PredictionLog:
    """A line a request, or a share of them; as many files as there are workers, each turned over when it is full."""

    def __init__(self, folder: Path, options: Options, worker: int, metrics: Metrics):
        self._share = options.log_sample
        opened, full = rotated(folder / f"predictions-{worker}.jsonl", options.log_bytes, options.log_files)
        self._lines = LineLog(
            opened,
            word=_line,
            size=lambda entry: len(entry[4]),
            full=full,
            dropped=lambda lines: metrics.dropped("predictions", lines),
        )

    def put(self, request_id: bytes, served: Served, table: Table, said: Said) -> None:
        if self._share >= 1 or random.random() < self._share:  # noqa: S311 - no secret depends on it
            self._lines.put((time.time(), request_id, served.version, served.signature, table, said))

    def close(self) -> None:
        self._lines.close()


def _line(entry: Entry) -> dict[str, Any]:
    at, request_id, model, signature, table, said = entry
    columns = {}
    for column in signature.columns:
        numeric, index = signature.place[column.name]
        values = (table.numbers if numeric else table.texts)[:, index].tolist()
        columns[column.name] = [None if value is None or _is_nan(value) else value for value in values]
    line = {
        "time": round(at, 3),
        "request_id": request_id.decode(),
        "model": model,
        "columns": columns,
        "predictions": said.predictions.tolist(),
    }
    if said.probabilities is not None:
        line["probabilities"] = said.probabilities.tolist()
    return line


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


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


def log_as_json() -> None:
    """For everything that this process logs from now on."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": round(record.created, 3),
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "pid": record.process,
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["trace"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(line, default=str)
