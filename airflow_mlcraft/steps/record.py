"""What a step tells of itself for tracking, in a file: params, metrics, data, models. Never a time or a place."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FILE = "record.json"


@dataclass
class Record:
    """Ports are ids of the tool's inputs and outputs."""

    params: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    series: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    datasets: list[dict[str, Any]] = field(default_factory=list)
    models: list[dict[str, Any]] = field(default_factory=list)
    artifacts: list[dict[str, Any]] = field(default_factory=list)
    trials: list[dict[str, Any]] = field(default_factory=list)

    def param(self, **params: Any) -> None:
        """Scalars stay what they are, other values become JSON."""
        for name, value in params.items():
            if value is not None:
                scalar = isinstance(value, str | int | float | bool)
                self.params[name] = value if scalar else json.dumps(value, sort_keys=True)

    def metric(self, values: Mapping[str, float | None], prefix: str = "") -> None:
        """Metrics that have a value."""
        for name, value in values.items():
            if value is not None and math.isfinite(value):
                self.metrics[prefix + name] = value

    def curve(self, name: str, values: Iterable[float | None]) -> None:
        """One metric, step by step."""
        points = [(step, value) for step, value in enumerate(values) if value is not None and math.isfinite(value)]
        if points:
            self.series[name] = points

    def dataset(self, port: str, name: str, context: str, profile: Mapping[str, Any] | None = None) -> None:
        """Data that the step has read or made."""
        self.datasets.append({"port": port, "name": name, "context": context, "profile": dict(profile or {})})

    def model(self, port: str, name: str) -> None:
        """A model folder that the step has made or crowned."""
        self.models.append({"port": port, "name": name})

    def artifact(self, port: str, folder: str = "") -> None:
        """A file or folder to keep with the run."""
        self.artifacts.append({"port": port, "folder": folder})

    def write(self, folder: Path) -> None:
        """Put it where the tool's output is looked for."""
        write_json(folder / FILE, asdict(self))


def write_json(path: Path, value: Any) -> None:
    """JSON that people can read, and that is the same for the same value."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=_plain) + "\n", "utf-8")


def _plain(value: Any) -> Any:
    """A number of numpy is a number."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no form in JSON")
