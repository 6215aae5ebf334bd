"""Record of a step for tracking, as a file: params, metrics, data sets, models. It holds no times and no paths."""

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
    """What a step logs to MLflow. Ports are ids of the tool's inputs and outputs."""

    params: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    series: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    datasets: list[dict[str, Any]] = field(default_factory=list)
    models: list[dict[str, Any]] = field(default_factory=list)
    artifacts: list[dict[str, Any]] = field(default_factory=list)
    trials: list[dict[str, Any]] = field(default_factory=list)

    def add_params(self, **params: Any) -> None:
        """Add params that are not None. Scalars stay as they are, other values become JSON."""
        for name, value in params.items():
            if value is not None:
                scalar = isinstance(value, str | int | float | bool)
                self.params[name] = value if scalar else json.dumps(value, sort_keys=True)

    def add_metrics(self, values: Mapping[str, float | None], prefix: str = "") -> None:
        """Add the metrics that have a finite value."""
        for name, value in values.items():
            if value is not None and math.isfinite(value):
                self.metrics[prefix + name] = value

    def add_series(self, name: str, values: Iterable[float | None]) -> None:
        """Add the values of one metric, one for each step."""
        points = [(step, value) for step, value in enumerate(values) if value is not None and math.isfinite(value)]
        if points:
            self.series[name] = points

    def add_dataset(self, port: str, name: str, context: str, profile: Mapping[str, Any] | None = None) -> None:
        """Add data that the step has read or written."""
        self.datasets.append({"port": port, "name": name, "context": context, "profile": dict(profile or {})})

    def add_model(self, port: str, name: str) -> None:
        """Add a model folder that the step has written."""
        self.models.append({"port": port, "name": name})

    def add_artifact(self, port: str, folder: str = "") -> None:
        """Add a file or folder to log as an artifact of the run."""
        self.artifacts.append({"port": port, "folder": folder})

    def write(self, folder: Path) -> None:
        """Write record.json into the step's folder."""
        write_json(folder / FILE, asdict(self))


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON. Keys keep their order, so that the same value gives the same bytes."""
    path.write_text(
        json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=_to_builtin) + "\n", "utf-8"
    )


def _to_builtin(value: Any) -> Any:
    """A number of numpy as a number of Python."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no form in JSON")
