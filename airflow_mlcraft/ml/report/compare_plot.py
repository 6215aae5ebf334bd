"""All models on one scale: cross-validation with its spread, and the test part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_mlcraft.ml.metrics import Metric
from airflow_mlcraft.ml.report.drawing import COLOURS, picture
from airflow_mlcraft.ml.report.page import Picture


def compare_plot(metric: Metric, models: Sequence[Mapping[str, Any]]) -> Picture:
    """The best at the top."""

    def draw(axes: Any) -> None:
        cv = [(place, one["cv"][metric.name]) for place, one in enumerate(models) if metric.name in one["cv"]]
        if cv:
            means, spread = [found["mean"] for _, found in cv], [found["std"] for _, found in cv]
            places = [place - 0.12 for place, _ in cv]
            axes.errorbar(
                means, places, xerr=spread, fmt="o", color=COLOURS[0], capsize=3, label="cross-validation ± std"
            )
        test = [(place, one["test"].get(metric.name)) for place, one in enumerate(models)]
        there = [(place + 0.12, value) for place, value in test if value is not None]
        axes.plot(
            [value for _, value in there], [place for place, _ in there], "D", color=COLOURS[1], label="test part"
        )
        axes.set_yticks(range(len(models)), [str(one["name"]) for one in models])
        axes.invert_yaxis()
        axes.set(xlabel=f"{metric.name} ({metric.direction})")
        axes.figure.legend(loc="outside upper right", ncols=2)

    height = max(2.4, 1.2 + 0.34 * len(models))
    return picture(
        "models", "Models compared", "Each model in cross-validation and on the test part.", draw, (4.8, height)
    )
