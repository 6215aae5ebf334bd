"""Plots of a classifier's answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from airflow_mlcraft.ml.metrics import Answers
from airflow_mlcraft.ml.report.drawing import COLOURS, INK, LINE, picture
from airflow_mlcraft.ml.report.page import Picture

_MOST_CLASSES = 30
_MOST_CURVES = 10
_BINARY = 2
_BINS = 10


def class_plots(answers: Answers) -> Iterator[Picture]:
    """Confusion matrix; ROC, precision and recall, calibration, where there are probabilities."""
    if len(answers.classes) <= _MOST_CLASSES:
        yield _confusion(answers)
    curves = list(_one_against_rest(answers))
    if curves:
        yield _roc(curves)
        yield _precision_recall(curves)
    if answers.probabilities is not None and curves:
        yield _calibration(curves)


def _one_against_rest(answers: Answers) -> Iterator[tuple[str, Any, Any, str]]:
    """Class, whether a row is of it, how much the model thinks so, colour."""
    if answers.probabilities is None and answers.decisions is None:
        return
    shown = [answers.positive] if len(answers.classes) == _BINARY else list(answers.classes)[:_MOST_CURVES]
    for place, label in enumerate(shown):
        index = answers.classes.index(label)
        if answers.probabilities is not None:
            values = answers.probabilities[:, index]
        elif len(answers.classes) == _BINARY:
            values = answers.decisions if index == 1 else -answers.decisions
        else:
            values = answers.decisions[:, index]
        truth = np.asarray(answers.truth == label)
        if 0 < truth.sum() < len(truth):
            yield str(label), truth, values, COLOURS[place % len(COLOURS)]


def _confusion(answers: Answers) -> Picture:
    from sklearn.metrics import confusion_matrix

    counts = confusion_matrix(answers.truth, answers.predictions, labels=list(answers.classes))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = [_short(label) for label in answers.classes]
    few = len(names) <= 12  # noqa: PLR2004

    def draw(axes: Any) -> None:
        for (row, column), share in np.ndenumerate(shares):
            colour = COLOURS[2] if row == column else COLOURS[4]
            axes.add_patch(_square(column, row, colour, float(share)))
            if few:
                axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=INK)
        axes.set(xlim=(-0.5, len(names) - 0.5), ylim=(len(names) - 0.5, -0.5), xlabel="predicted", ylabel="true")
        slanted = sum(map(len, names)) > 40  # noqa: PLR2004
        axes.set_xticks(range(len(names)), names, rotation=45 if slanted else 0, ha="right" if slanted else "center")
        axes.set_yticks(range(len(names)), names)
        axes.grid(False)

    caption = "Rows are true classes, columns predicted ones; the shade is the share of the true class."
    side = min(8.0, 3.0 + 0.3 * len(names))
    return picture("confusion_matrix", "Confusion matrix", caption, draw, (side * 1.2, side))


def _square(column: int, row: int, colour: str, share: float) -> Any:
    from matplotlib.patches import Rectangle

    rgba = tuple(int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=(*rgba, round(0.6 * share, 3)), edgecolor=LINE)


def _roc(curves: list[tuple[str, Any, Any, str]]) -> Picture:
    from sklearn.metrics import auc, roc_curve

    def draw(axes: Any) -> None:
        for name, truth, values, colour in curves:
            false, true, _ = roc_curve(truth, values)
            axes.plot(false, true, color=colour, label=f"{_short(name)} ({auc(false, true):.3f})")
        axes.plot([0, 1], [0, 1], color=LINE, linestyle="--")
        axes.set(xlabel="false positive rate", ylabel="true positive rate")
        axes.legend(loc="lower right")

    return picture("roc", "ROC curve", "The area under each curve in brackets; the dashed line is guessing.", draw)


def _precision_recall(curves: list[tuple[str, Any, Any, str]]) -> Picture:
    from sklearn.metrics import average_precision_score, precision_recall_curve

    def draw(axes: Any) -> None:
        for name, truth, values, colour in curves:
            precision, recall, _ = precision_recall_curve(truth, values)
            label = f"{_short(name)} ({average_precision_score(truth, values):.3f})"
            axes.plot(recall, precision, color=colour, label=label, drawstyle="steps-post")
        axes.set(xlabel="recall", ylabel="precision", ylim=(-0.02, 1.05))
        axes.legend(loc="lower left")

    return picture("precision_recall", "Precision and recall", "The average precision of each in brackets.", draw)


def _calibration(curves: list[tuple[str, Any, Any, str]]) -> Picture:
    from sklearn.calibration import calibration_curve

    def draw(axes: Any) -> None:
        for name, truth, values, colour in curves:
            happened, said = calibration_curve(truth, np.clip(values, 0, 1), n_bins=_BINS)
            axes.plot(said, happened, color=colour, marker="o", markersize=4, label=_short(name))
        axes.plot([0, 1], [0, 1], color=LINE, linestyle="--")
        axes.set(xlabel="predicted probability", ylabel="how often it was so")
        axes.legend(loc="upper left")

    caption = "On the dashed line, what is said to happen in 7 of 10 cases does so in 7 of 10."
    return picture("calibration", "Calibration", caption, draw)


def _short(label: Any) -> str:
    text = str(label)
    return text if len(text) <= 18 else f"{text[:17]}…"  # noqa: PLR2004
