"""Plots: always the same bytes, in the colours of the page, and of all kinds of answers."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from airflow_mlcraft.ml.metrics import METRICS, Predictions
from airflow_mlcraft.ml.report.plots import INK, class_plots, compare_plot, draw_picture, number_plots

PNG = b"\x89PNG\r\n\x1a\n"


def build_predictions(classes: int, rows: int = 90, how: str = "probabilities") -> Predictions:
    random = np.random.default_rng(classes)
    names = tuple(f"class {number}" for number in range(classes))
    truth = np.array(names)[random.integers(0, classes, rows)]
    chances = random.dirichlet(np.ones(classes), rows)
    output = np.array(names)[chances.argmax(axis=1)]
    positive = names[0] if classes == 2 else None
    if how == "probabilities":
        return Predictions(truth, output, names, positive, chances)
    decisions = chances[:, 1] - 0.5 if classes == 2 else chances
    return Predictions(truth, output, names, positive, None, decisions if how == "decisions" else None)


def test_the_same_bytes() -> None:
    def draw(axes: Any) -> None:
        axes.plot([1, 2, 3], label="a & b < c $x_1$")
        axes.legend()

    one, two = (draw_picture("name", "A <title>", "words", draw) for _ in range(2))
    assert one == two
    assert one.png.startswith(PNG)
    assert one.svg.startswith('<svg role="img" aria-label="A &lt;title&gt;"')
    assert "a &amp; b &lt; c $x_1$" in one.svg
    assert INK not in one.svg
    assert "var(--ink)" in one.svg
    assert not re.search(r"dc:date|Matplotlib v|<\?xml", one.svg)


@pytest.mark.parametrize(("classes", "names"), [(2, 4), (3, 4), (15, 4), (40, 3)])
def test_classes(classes: int, names: int) -> None:
    made = list(class_plots(build_predictions(classes, 400)))
    assert len(made) == len({one.name for one in made}) == names
    assert all(one.png.startswith(PNG) for one in made)


def test_without_probabilities() -> None:
    for classes in (2, 3):
        assert [one.name for one in class_plots(build_predictions(classes, how="decisions"))] == [
            "confusion_matrix", "roc", "precision_recall",
        ]  # fmt: skip
        assert [one.name for one in class_plots(build_predictions(classes, how="labels"))] == ["confusion_matrix"]


def test_one_class_only_in_the_test_part() -> None:
    predictions = build_predictions(2)
    rows = predictions.y_true == "class 1"
    some = Predictions(
        predictions.y_true[rows],
        predictions.y_pred[rows],
        predictions.classes,
        "class 1",
        predictions.probabilities[rows],
    )
    assert [one.name for one in class_plots(some)] == ["confusion_matrix"]


def test_many_numbers() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(size=5000)
    first, second = (list(number_plots(Predictions(truth, truth + random.normal() * 0), 3)) for _ in range(2))
    assert first == second
    assert "1000 of 5000 rows are shown" in first[0].caption
    assert len(first[0].svg) < 400_000
    assert len(list(number_plots(Predictions(np.array([1.0]), np.array([2.0])), 0))) == 3


def test_models_without_scores_are_still_named() -> None:
    models = [
        {"name": "a", "cv": {}, "test": {"acc": 0.5}},
        {"name": "b", "cv": {"acc": {"mean": 0.4, "std": 0.1}}, "test": {"acc": None}},
    ]
    assert ">b<" in compare_plot(METRICS["acc"], models).svg


@pytest.mark.parametrize("values", [(4.66e9, 4.68e9), (68310.0, 71950.0), (0.9601, 0.9609), (1e-7, 3e-7), (-2e5, 3e5)])
@pytest.mark.parametrize("name", ["tree", "an_estimator_with_a_name_that_takes_half_of_the_room"])
def test_labels_do_not_overlap(values: tuple[float, float], name: str) -> None:
    boxes: list[Any] = []

    def draw(axes: Any) -> None:
        axes.plot(values, [0, 1], "o")
        axes.set_yticks([0, 1], [name, "baseline"])
        axes.set(xlabel="a metric (lower is better)")
        boxes.append(axes)

    draw_picture("models", "Models", "", draw)
    (axes,) = boxes
    axes.figure.draw_without_rendering()
    low, high = sorted(axes.get_xlim())
    labels = [
        label.get_window_extent()
        for place, label in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
        if low <= place <= high
    ]
    ends = sorted((box.x0, box.x1) for box in labels)
    assert ends
    assert all(left[1] < right[0] for left, right in pairwise(ends))
    assert not axes.xaxis.get_offset_text().get_text(), "a factor would run into the label of the axis"
