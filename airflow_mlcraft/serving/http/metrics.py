"""What Prometheus is told. The values of all workers are in files that each of them can add up."""

from __future__ import annotations

import mmap
import struct
import time
from collections import Counter as Count
from pathlib import Path
from typing import Any

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

from airflow_mlcraft.serving.model.fast_transformers import Array

# prometheus_client looks for this before it is imported for the first time.
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_VALUES = (-1e6, -1e4, -1e3, -100, -10, -1, -0.1, 0, 0.1, 1, 10, 100, 1e3, 1e4, 1e6)
_MOST_CLASSES = 100
_FIRST_ERROR = 400


class Metrics:
    """The counters of one worker."""

    def __init__(self) -> None:
        own = CollectorRegistry()
        self._requests = Counter("mlcraft_requests", "Requests", ("endpoint", "status"), registry=own)
        self._errors = Counter("mlcraft_errors", "Requests answered with 400 or more", ("endpoint",), registry=own)
        self._seconds = Histogram(
            "mlcraft_request_seconds", "Seconds to an answer", ("endpoint",), buckets=_SECONDS, registry=own
        )
        self._in_flight = Gauge("mlcraft_requests_in_flight", "Requests now", multiprocess_mode="livesum", registry=own)
        self._predictions = Counter("mlcraft_predictions", "Rows predicted", ("model",), registry=own)
        self._classes = Counter("mlcraft_predictions_by_class", "Rows by class", ("model", "class"), registry=own)
        self._values = Histogram(
            "mlcraft_prediction_value", "Predicted values", ("model",), buckets=_VALUES, registry=own
        )
        self._model = Gauge(
            "mlcraft_model",
            "1 for the model that is served",
            ("name", "model"),
            multiprocess_mode="livemax",
            registry=own,
        )
        self._dropped = Counter(
            "mlcraft_log_lines_dropped", "Lines that did not fit the queue of a log", ("log",), registry=own
        )
        self._children: dict[Any, Any] = {}
        self._serving: Any = None

    def begin(self) -> None:
        self._in_flight.inc()

    def end(self, endpoint: str, status: int, seconds: float) -> None:
        self._in_flight.dec()
        counted, measured = self._child((endpoint, status), self._of_endpoint)
        counted.inc()
        measured.observe(seconds)
        if status >= _FIRST_ERROR:
            self._child((endpoint,), self._errors.labels).inc()

    def predicted(self, model: str, classes: list[Any] | None, predictions: Array) -> None:
        """Count rows by class, or by value."""
        rows = len(predictions)
        self._child(("rows", model), lambda _, version: self._predictions.labels(version)).inc(rows)
        if predictions.ndim > 1:
            return
        if classes is None:
            values = self._child(("values", model), lambda _, version: self._values.labels(version))
            for value in predictions.tolist():
                values.observe(value)
            return
        counts = {predictions.item(0): 1} if rows == 1 else Count(predictions.tolist())
        for value, count in counts.items():
            self._child(("class", model, value), lambda *key: self._class(classes, *key)).inc(count)

    def serves(self, name: str, model: str) -> None:
        """This model from now on."""
        if self._serving is not None:
            self._serving.set(0)
        self._serving = self._model.labels(name, model)
        self._serving.set(1)

    def dropped(self, log: str, lines: int) -> None:
        self._child(("dropped", log), lambda _, which: self._dropped.labels(which)).inc(lines)

    def forget(self, model: str) -> None:
        """Let go of what was kept at hand for a model that is gone."""
        self._children = {key: child for key, child in self._children.items() if len(key) == 1 or key[1] != model}

    def _of_endpoint(self, endpoint: str, status: int) -> tuple[Any, Any]:
        return self._requests.labels(endpoint, str(status)), self._seconds.labels(endpoint)

    def _class(self, classes: list[Any], _: str, model: str, value: Any) -> Any:
        known = value in classes[:_MOST_CLASSES]
        return self._classes.labels(model, str(value) if known else "other")

    def _child(self, key: tuple[Any, ...], make: Any) -> Any:
        found = self._children.get(key)
        if found is None:
            found = self._children[key] = make(*key)
        return found


def exposition() -> bytes:
    """All workers' values in Prometheus' text format."""
    return generate_latest(_all_workers())


def predictions_counted() -> dict[str, dict[str, int]]:
    """Rows predicted so far, by model and by class."""
    rows: dict[str, int] = {}
    classes: dict[str, int] = {}
    for family in _all_workers().collect():
        for sample in family.samples:
            if sample.name == "mlcraft_predictions_total":
                rows[sample.labels["model"]] = int(sample.value)
            elif sample.name == "mlcraft_predictions_by_class_total":
                label = sample.labels["class"]
                classes[label] = classes.get(label, 0) + int(sample.value)
    return {"models": dict(sorted(rows.items())), "classes": dict(sorted(classes.items()))}


def _all_workers() -> CollectorRegistry:
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


_ENTRIES = 16384
_ENTRY = struct.Struct("=ddq")
_KIND = np.dtype([("at", "=f8"), ("seconds", "=f8"), ("rows", "=i8")])
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


class Latency:
    """Written by one worker; `summary` reads the rings of all of them."""

    def __init__(self, folder: Path, worker: int):
        self._folder = folder
        path = folder / f"latency-{worker}.ring"
        size = _ENTRIES * _ENTRY.size
        with path.open("a+b") as file:
            file.truncate(size)
            self._ring = mmap.mmap(file.fileno(), size)
        self._next = 0

    def add(self, seconds: float, rows: int) -> None:
        _ENTRY.pack_into(self._ring, self._next * _ENTRY.size, time.time(), seconds, rows)
        self._next = (self._next + 1) % _ENTRIES

    def summary(self, window: float) -> dict[str, Any]:
        """Quantiles in milliseconds over the last seconds, and what happened in each of them."""
        now = time.time()
        rings = [np.fromfile(path, dtype=_KIND) for path in sorted(self._folder.glob("latency-*.ring"))]
        found = np.concatenate(rings)
        found = found[found["at"] > now - window]
        milliseconds = found["seconds"] * 1000
        return {
            "window": window,
            "requests": len(found),
            "rows": int(found["rows"].sum()),
            "requests_a_second": round(len(found) / window, 3),
            **_quantiles(milliseconds),
            "seconds": _by_second(found, now, window),
        }


def _quantiles(milliseconds: Any) -> dict[str, float | None]:
    if not len(milliseconds):
        return dict.fromkeys(_QUANTILES)
    found = np.quantile(milliseconds, list(_QUANTILES.values()))
    return {name: round(float(value), 3) for name, value in zip(_QUANTILES, found, strict=True)}


def _by_second(found: Any, now: float, window: float) -> list[dict[str, Any]]:
    """The oldest second first; those without a request as well."""
    ages = (now - found["at"]).astype(int)
    by_age = {}
    for age in np.unique(ages).tolist():
        milliseconds = found["seconds"][ages == age] * 1000
        by_age[age] = {"requests": len(milliseconds), **_quantiles(milliseconds)}
    quiet = {"requests": 0, **dict.fromkeys(_QUANTILES)}
    return [by_age.get(age, quiet) for age in reversed(range(int(window)))]
