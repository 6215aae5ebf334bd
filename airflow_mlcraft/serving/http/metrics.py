"""Prometheus metrics and request latencies. Workers keep them in shared files, so that each can report all of them."""

from __future__ import annotations

import mmap
import struct
import time
from collections import Counter as Count
from pathlib import Path
from typing import Any

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from airflow_mlcraft.adapters.prometheus import collect_all_workers
from airflow_mlcraft.serving.model.fast_transformers import Array

_SECONDS_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_VALUE_BUCKETS = (-1e6, -1e4, -1e3, -100, -10, -1, -0.1, 0, 0.1, 1, 10, 100, 1e3, 1e4, 1e6)
_MAX_CLASSES = 100
_FIRST_ERROR_STATUS = 400
_RING_SIZE = 16384
_RING_ENTRY = struct.Struct("=ddq")
_RING_DTYPE = np.dtype([("at", "=f8"), ("seconds", "=f8"), ("rows", "=i8")])
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


class Metrics:
    """The metrics of one worker."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._requests = Counter("mlcraft_requests", "Requests", ("endpoint", "status"), registry=registry)
        self._errors = Counter("mlcraft_errors", "Requests answered with 400 or more", ("endpoint",), registry=registry)
        self._seconds = Histogram(
            "mlcraft_request_seconds",
            "Seconds to an answer",
            ("endpoint",),
            buckets=_SECONDS_BUCKETS,
            registry=registry,
        )
        self._in_flight = Gauge(
            "mlcraft_requests_in_flight", "Requests now", multiprocess_mode="livesum", registry=registry
        )
        self._predictions = Counter("mlcraft_predictions", "Rows predicted", ("model",), registry=registry)
        self._classes = Counter("mlcraft_predictions_by_class", "Rows by class", ("model", "class"), registry=registry)
        self._values = Histogram(
            "mlcraft_prediction_value", "Predicted values", ("model",), buckets=_VALUE_BUCKETS, registry=registry
        )
        self._model = Gauge(
            "mlcraft_model",
            "1 for the model that is served",
            ("name", "model"),
            multiprocess_mode="livemax",
            registry=registry,
        )
        self._dropped = Counter(
            "mlcraft_log_lines_dropped", "Lines that did not fit the queue of a log", ("log",), registry=registry
        )
        self._children: dict[Any, Any] = {}
        self._served_gauge: Any = None

    def request_started(self) -> None:
        self._in_flight.inc()

    def request_finished(self, endpoint: str, status: int, seconds: float) -> None:
        self._in_flight.dec()
        counter, histogram = self._get_child((endpoint, status), self._get_endpoint_metrics)
        counter.inc()
        histogram.observe(seconds)
        if status >= _FIRST_ERROR_STATUS:
            self._get_child((endpoint,), self._errors.labels).inc()

    def count_predictions(self, model: str, classes: list[Any] | None, predictions: Array) -> None:
        """Count the predicted rows, by class for a classifier and by value otherwise."""
        rows = len(predictions)
        self._get_child(("rows", model), lambda _, version: self._predictions.labels(version)).inc(rows)
        if predictions.ndim > 1:
            return
        if classes is None:
            values = self._get_child(("values", model), lambda _, version: self._values.labels(version))
            for value in predictions.tolist():
                values.observe(value)
            return
        counts = {predictions.item(0): 1} if rows == 1 else Count(predictions.tolist())
        for value, count in counts.items():
            self._get_child(("class", model, value), lambda *key: self._get_class_counter(classes, *key)).inc(count)

    def set_served_model(self, name: str, model: str) -> None:
        """Set the gauge of the model that is served from now on."""
        if self._served_gauge is not None:
            self._served_gauge.set(0)
        self._served_gauge = self._model.labels(name, model)
        self._served_gauge.set(1)

    def count_dropped_lines(self, log: str, lines: int) -> None:
        self._get_child(("dropped", log), lambda _, which: self._dropped.labels(which)).inc(lines)

    def forget_model(self, model: str) -> None:
        """Drop the cached metric children of a model that is no longer served."""
        self._children = {key: child for key, child in self._children.items() if len(key) == 1 or key[1] != model}

    def _get_endpoint_metrics(self, endpoint: str, status: int) -> tuple[Any, Any]:
        return self._requests.labels(endpoint, str(status)), self._seconds.labels(endpoint)

    def _get_class_counter(self, classes: list[Any], _: str, model: str, value: Any) -> Any:
        known = value in classes[:_MAX_CLASSES]
        return self._classes.labels(model, str(value) if known else "other")

    def _get_child(self, key: tuple[Any, ...], create: Any) -> Any:
        found = self._children.get(key)
        if found is None:
            found = self._children[key] = create(*key)
        return found


def render_metrics() -> bytes:
    """All workers' values in Prometheus' text format."""
    return generate_latest(collect_all_workers())


def read_prediction_counts() -> dict[str, dict[str, int]]:
    """Rows predicted so far, by model and by class."""
    rows: dict[str, int] = {}
    classes: dict[str, int] = {}
    for family in collect_all_workers().collect():
        for sample in family.samples:
            if sample.name == "mlcraft_predictions_total":
                rows[sample.labels["model"]] = int(sample.value)
            elif sample.name == "mlcraft_predictions_by_class_total":
                label = sample.labels["class"]
                classes[label] = classes.get(label, 0) + int(sample.value)
    return {"models": dict(sorted(rows.items())), "classes": dict(sorted(classes.items()))}


class LatencyRing:
    """A ring buffer of request times in a memory-mapped file per worker; `summary` reads the files of all workers."""

    def __init__(self, folder: Path, worker: int):
        self._folder = folder
        path = folder / f"latency-{worker}.ring"
        size = _RING_SIZE * _RING_ENTRY.size
        with path.open("a+b") as file:
            file.truncate(size)
            self._ring = mmap.mmap(file.fileno(), size)
        self._next = 0

    def add(self, seconds: float, rows: int) -> None:
        _RING_ENTRY.pack_into(self._ring, self._next * _RING_ENTRY.size, time.time(), seconds, rows)
        self._next = (self._next + 1) % _RING_SIZE

    def summary(self, window: float) -> dict[str, Any]:
        """Quantiles in milliseconds over the last `window` seconds, and requests and quantiles of each second."""
        now = time.time()
        rings = [np.fromfile(path, dtype=_RING_DTYPE) for path in sorted(self._folder.glob("latency-*.ring"))]
        found = np.concatenate(rings)
        found = found[found["at"] > now - window]
        milliseconds = found["seconds"] * 1000
        return {
            "window": window,
            "requests": len(found),
            "rows": int(found["rows"].sum()),
            "requests_a_second": round(len(found) / window, 3),
            **_compute_quantiles(milliseconds),
            "seconds": _summarize_seconds(found, now, window),
        }


def _compute_quantiles(milliseconds: Any) -> dict[str, float | None]:
    if not len(milliseconds):
        return dict.fromkeys(_QUANTILES)
    found = np.quantile(milliseconds, list(_QUANTILES.values()))
    return {name: round(float(value), 3) for name, value in zip(_QUANTILES, found, strict=True)}


def _summarize_seconds(found: Any, now: float, window: float) -> list[dict[str, Any]]:
    """Requests and quantiles by second, the oldest first, with seconds that had no request."""
    ages = (now - found["at"]).astype(int)
    by_age = {}
    for age in np.unique(ages).tolist():
        milliseconds = found["seconds"][ages == age] * 1000
        by_age[age] = {"requests": len(milliseconds), **_compute_quantiles(milliseconds)}
    no_requests = {"requests": 0, **dict.fromkeys(_QUANTILES)}
    return [by_age.get(age, no_requests) for age in reversed(range(int(window)))]
