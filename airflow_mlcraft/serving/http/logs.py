"""Logs as JSON lines: the prediction log and the access log, written by threads."""

from __future__ import annotations

import math
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from airflow_mlcraft.serving.http.batching import InferenceResult
from airflow_mlcraft.serving.http.metrics import Metrics
from airflow_mlcraft.serving.model.signature import Signature
from airflow_mlcraft.serving.model.state import ServedModel
from airflow_mlcraft.serving.model.tables import Table
from airflow_mlcraft.serving.options import Options

_FLUSH_INTERVAL = 0.5
_MAX_QUEUED = 20_000
PredictionEntry = tuple[float, bytes, str, Signature, Table, InferenceResult]


class PredictionLog:
    """One line per request, or per sampled request, in one rotating file per worker: inputs for monitoring."""

    def __init__(self, folder: Path, options: Options, worker: int, metrics: Metrics):
        self._sample_rate = options.log_sample
        open_file, rotate = rotating_file(folder / f"predictions-{worker}.jsonl", options.log_bytes, options.log_files)
        self._lines = JsonLinesLog(
            open_file,
            serialize=_to_log_line,
            size=lambda entry: len(entry[4]),
            rotate=rotate,
            on_dropped=lambda lines: metrics.count_dropped_lines("predictions", lines),
        )

    def put(self, request_id: bytes, served: ServedModel, table: Table, result: InferenceResult) -> None:
        if self._sample_rate >= 1 or random.random() < self._sample_rate:  # noqa: S311 - no secret depends on it
            self._lines.put((time.time(), request_id, served.version, served.signature, table, result))

    def close(self) -> None:
        self._lines.close()


def _to_log_line(entry: PredictionEntry) -> dict[str, Any]:
    at, request_id, model, signature, table, result = entry
    columns = {}
    for column in signature.columns:
        numeric, index = signature.positions[column.name]
        values = (table.numbers if numeric else table.texts)[:, index].tolist()
        columns[column.name] = [None if value is None or _is_nan(value) else value for value in values]
    line = {
        "time": round(at, 3),
        "request_id": request_id.decode(),
        "model": model,
        "columns": columns,
        "predictions": result.predictions.tolist(),
    }
    if result.probabilities is not None:
        line["probabilities"] = result.probabilities.tolist()
    return line


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


class JsonLinesLog:
    """JSON lines, one per entry, written in batches by a thread. Entries that do not fit its queue are dropped."""

    def __init__(
        self,
        open_file: Callable[[], BinaryIO],
        *,
        serialize: Callable[[Any], dict[str, Any]] = dict,
        size: Callable[[Any], int] = lambda _: 1,
        rotate: Callable[[BinaryIO], BinaryIO] = lambda file: file,
        on_dropped: Callable[[int], None] = lambda _: None,
    ):
        self._serialize, self._size, self._rotate, self._on_dropped = serialize, size, rotate, on_dropped
        self._queue: deque[Any] = deque()
        # Sizes of all entries put in, and of those written. Each is changed by one thread only, so no lock is needed.
        self._queued = self._written = 0
        self._dropped_count = 0
        self._file = open_file()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def put(self, entry: Any) -> None:
        """Queue an entry for the next batch, or drop it when the queue is full."""
        size = self._size(entry)
        if self._queued - self._written + size > _MAX_QUEUED:
            self._dropped_count += 1
            return
        self._queued += size
        self._queue.append(entry)

    def close(self) -> None:
        """Write the queued entries and close the file."""
        self._closing.set()
        self._thread.join()
        self._file.close()

    def _run(self) -> None:
        while not self._closing.wait(_FLUSH_INTERVAL):
            self._write()
        self._write()

    def _write(self) -> None:
        if self._dropped_count:
            count, self._dropped_count = self._dropped_count, 0
            self._on_dropped(count)
        lines, size = [], 0
        while self._queue:
            entry = self._queue.popleft()
            size += self._size(entry)
            lines.append(orjson.dumps(self._serialize(entry), default=str, option=orjson.OPT_APPEND_NEWLINE))
        self._written += size
        if not lines:
            return
        try:
            self._file.write(b"".join(lines))
            self._file.flush()
            self._file = self._rotate(self._file)
        except OSError:  # a full disk must not end the server
            self._on_dropped(len(lines))


def rotating_file(
    path: Path, max_bytes: int, files: int
) -> tuple[Callable[[], BinaryIO], Callable[[BinaryIO], BinaryIO]]:
    """A function that opens the file, and one that rotates it when full: to `x.1.jsonl`, `x.2.jsonl` (older), …"""

    def open_file() -> BinaryIO:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("ab")

    def rotate(file: BinaryIO) -> BinaryIO:
        if file.tell() < max_bytes:
            return file
        file.close()
        for number in range(files - 1, 0, -1):
            older = path if number == 1 else path.with_suffix(f".{number - 1}{path.suffix}")
            if older.exists():
                older.replace(path.with_suffix(f".{number}{path.suffix}"))
        return open_file()

    return open_file, rotate
