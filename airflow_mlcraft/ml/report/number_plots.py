"""Plots of a regressor's answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from airflow_mlcraft.ml.metrics import Answers
from airflow_mlcraft.ml.report.drawing import COLOURS, INK, picture
from airflow_mlcraft.ml.report.page import Picture

_POINTS = 1000


def number_plots(answers: Answers, seed: int) -> Iterator[Picture]:
    """Predicted against true, residuals against predicted, and how residuals are spread."""
    truth, said = np.asarray(answers.truth, "float64"), np.asarray(answers.predictions, "float64")
    residuals = truth - said
    shown = np.arange(len(truth))
    if len(truth) > _POINTS:
        shown = np.sort(np.random.default_rng(seed).choice(len(truth), _POINTS, replace=False))
    some = f" {_POINTS} of {len(truth)} rows are shown." if len(truth) > _POINTS else ""
    dots: dict[str, Any] = {"s": 12, "alpha": 0.55, "color": COLOURS[0], "linewidths": 0}

    def predicted(axes: Any) -> None:
        axes.scatter(truth[shown], said[shown], **dots)
        ends = [min(truth.min(), said.min()), max(truth.max(), said.max())]
        axes.plot(ends, ends, color=INK, linestyle="--", linewidth=1)
        axes.set(xlabel="true", ylabel="predicted")

    def against(axes: Any) -> None:
        axes.scatter(said[shown], residuals[shown], **dots)
        axes.axhline(0, color=INK, linestyle="--", linewidth=1)
        axes.set(xlabel="predicted", ylabel="true - predicted")

    def spread(axes: Any) -> None:
        axes.hist(residuals, bins=min(40, max(5, int(np.sqrt(len(residuals))))), color=COLOURS[0], alpha=0.75)
        axes.axvline(0, color=INK, linestyle="--", linewidth=1)
        axes.set(xlabel="true - predicted", ylabel="rows")

    yield picture("predicted", "Predicted against true", f"On the dashed line, both are the same.{some}", predicted)
    caption = f"A shape in this cloud is something that the model has missed.{some}"
    yield picture("residuals", "Residuals", caption, against)
    yield picture("residual_histogram", "Spread of the residuals", "How large errors are, and to which side.", spread)
