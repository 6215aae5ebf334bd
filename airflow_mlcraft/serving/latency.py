"""How long the last requests took: a ring of times a worker, in a file that the others can read."""

from __future__ import annotations

import mmap
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np

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
