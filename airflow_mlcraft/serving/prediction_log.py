"""What was asked and what was said, for monitoring: JSON lines in a folder, off the way of the request."""

from __future__ import annotations

import math
import random
import time
from pathlib import Path
from typing import Any

from airflow_mlcraft.serving.batching import Said
from airflow_mlcraft.serving.line_log import LineLog, rotated
from airflow_mlcraft.serving.metrics import Metrics
from airflow_mlcraft.serving.options import Options
from airflow_mlcraft.serving.served import Served
from airflow_mlcraft.serving.signature import Signature
from airflow_mlcraft.serving.table import Table

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
