"""Permutation importance: how much a model's score drops when one column is shuffled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from airflow_mlcraft.common.text import shorten
from airflow_mlcraft.ml.metrics import Metric, compute_predictions
from airflow_mlcraft.ml.report.page import Picture
from airflow_mlcraft.ml.report.plots import COLOURS, INK, draw_picture

if TYPE_CHECKING:
    import pandas as pd

MAX_COLUMNS = 200
_MAX_NAME_LENGTH = 28
_ROWS = 1000
_MAX_LISTED = 20
_FEW_COLUMNS = 50


class Table(Protocol):
    """A table whose rows can be read by sorted positions."""

    def __len__(self) -> int: ...

    def take(self, indices: Any, /) -> pd.DataFrame: ...


@dataclass(frozen=True)
class Importance:
    """Mean and standard deviation of the loss, in units of the metric; positive is worse."""

    column: str
    mean: float
    std: float


def importances(model: Any, table: Table, truth: Any, metric: Metric, *, positive: Any, seed: int) -> list[Importance]:
    """The most important column first. None for a model of very many columns, which would take long."""
    columns = model[0]
    names = list(columns.kinds)
    if len(names) > MAX_COLUMNS:
        return []
    random = np.random.default_rng(seed)
    rows = np.arange(len(table))
    if len(rows) > _ROWS:
        rows = np.sort(random.choice(len(table), _ROWS, replace=False))
    features, y_true = columns.transform(table.take(rows)), truth[rows]
    prepared = model[1:]

    def score(values: pd.DataFrame) -> float | None:
        return metric.score(compute_predictions(prepared, values, y_true, positive=positive, metric=metric))

    usual = score(features)
    if usual is None:
        return []
    sign = 1.0 if metric.higher_is_better else -1.0
    found = []
    for name in names:
        losses = []
        for _ in range(5 if len(names) <= _FEW_COLUMNS else 2):
            shuffled = features.copy(deep=False)
            shuffled[name] = features[name].to_numpy()[random.permutation(len(rows))]
            losses.append(sign * (usual - (score(shuffled) or 0.0)))
        found.append(Importance(name, float(np.mean(losses)), float(np.std(losses))))
    return sorted(found, key=lambda one: -one.mean)


def importance_plot(found: list[Importance], metric: Metric) -> Picture:
    """Bars, the longest at the top."""
    columns = found[:_MAX_LISTED]

    def draw(axes: Any) -> None:
        places = range(len(columns))
        axes.barh(
            places, [one.mean for one in columns], xerr=[one.std for one in columns], color=COLOURS[0], ecolor=INK
        )
        axes.set_yticks(places, [shorten(one.column, _MAX_NAME_LENGTH) for one in columns])
        axes.invert_yaxis()
        axes.set(xlabel=f"loss of {metric.name}")
        axes.grid(False, axis="y")

    rest_note = f" The {_MAX_LISTED} most important of {len(found)} columns." if len(found) > _MAX_LISTED else ""
    caption = f"How much {metric.name} gets worse on the test part when the column is shuffled.{rest_note}"
    return draw_picture(
        "importances", "Importance of the columns", caption, draw, (4.8, max(2.2, 0.9 + 0.24 * len(columns)))
    )
