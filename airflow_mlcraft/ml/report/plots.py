"""Plots of a report, drawn with matplotlib: the same plot has the same bytes, and takes its colours from the page."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from airflow_mlcraft.common.text import shorten
from airflow_mlcraft.ml.metrics import Metric, Predictions
from airflow_mlcraft.ml.report.page import Picture

INK, LINE = "#23303c", "#ccd3da"
COLOURS = ("#2f6fde", "#e07b28", "#2a9d6f", "#b54fa8", "#c23b4a", "#7a6ff0", "#8a6d3b", "#128ba6", "#6b8e23", "#d4508f")
_STYLE: dict[Any, Any] = {
    "axes.edgecolor": LINE,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": False,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
}
_MAX_LABEL_LENGTH = 18
_DPI = 144
_GAP = 4.0
"""Pixels between two labels of an axis."""


def draw_picture(
    name: str, title: str, caption: str, draw: Callable[[Any], None], size: tuple[float, float] = (4.8, 3.6)
) -> Picture:
    """A plot on one pair of axes."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    style: dict[Any, Any] = {**mpl.rcParamsDefault, **_STYLE, "svg.hashsalt": name, "backend": "agg"}
    with mpl.rc_context(style):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        draw(axes)
        _space_tick_labels(figure, axes)
        svg, png = io.BytesIO(), io.BytesIO()
        figure.savefig(svg, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        figure.savefig(png, format="png", dpi=_DPI, facecolor="white", metadata={"Software": None})
    return Picture(name, title, caption, _inline(svg.getvalue().decode(), title), png.getvalue())


def _space_tick_labels(figure: Any, axes: Any) -> None:
    """Fewer ticks on the axis below where their labels would run into each other; names that stay are slanted.

    Large numbers have their unit at each tick: a factor for all (1e9) would run into the axis' own label.
    """
    from matplotlib.ticker import EngFormatter, FixedLocator, MaxNLocator, ScalarFormatter

    figure.draw_without_rendering()
    for axis in (axes.xaxis, axes.yaxis):
        formatter = axis.get_major_formatter()
        if isinstance(formatter, ScalarFormatter) and formatter.get_offset():
            formatter.set_useOffset(False)
            figure.draw_without_rendering()
            if formatter.get_offset():
                axis.set_major_formatter(EngFormatter())
    if not _labels_overlap(figure, axes):
        return
    if isinstance(axes.xaxis.get_major_locator(), FixedLocator):
        for label in axes.get_xticklabels():
            label.set(rotation=45, ha="right")
        return
    for most in range(7, 0, -1):
        axes.xaxis.set_major_locator(MaxNLocator(most, min_n_ticks=1))
        if not _labels_overlap(figure, axes):
            return


def _labels_overlap(figure: Any, axes: Any) -> bool:
    figure.draw_without_rendering()
    low, high = sorted(axes.get_xlim())
    shown = [
        label for place, label in zip(axes.get_xticks(), axes.get_xticklabels(), strict=False) if low <= place <= high
    ]
    if any(label.get_rotation() for label in shown):
        return False
    ends = sorted((box.x0, box.x1) for box in (label.get_window_extent() for label in shown if label.get_text()))
    return any(left[1] + _GAP > right[0] for left, right in pairwise(ends))


def _inline(svg: str, title: str) -> str:
    """The svg element alone, in the colours and the font of the page around it."""
    from html import escape

    svg_element = svg[svg.index("<svg") :]
    svg_element = (
        svg_element.replace(INK, "var(--ink)").replace(LINE, "var(--line)").replace("'DejaVu Sans'", "inherit")
    )
    return svg_element.replace("<svg", f'<svg role="img" aria-label="{escape(title, quote=True)}"', 1)


_MAX_CLASSES = 30
_MAX_CURVES = 10
_BINARY = 2
_BINS = 10


def class_plots(predictions: Predictions) -> Iterator[Picture]:
    """Confusion matrix; ROC, precision and recall, calibration, where there are probabilities."""
    if len(predictions.classes) <= _MAX_CLASSES:
        yield _confusion(predictions)
    curves = list(_one_against_rest(predictions))
    if curves:
        yield _roc(curves)
        yield _precision_recall(curves)
    if predictions.probabilities is not None and curves:
        yield _calibration(curves)


def _one_against_rest(predictions: Predictions) -> Iterator[tuple[str, Any, Any, str]]:
    """For each class: its name, which rows belong to it, their scores for it, and the colour of its curve."""
    if predictions.probabilities is None and predictions.decisions is None:
        return
    labels = [predictions.positive] if len(predictions.classes) == _BINARY else list(predictions.classes)[:_MAX_CURVES]
    for number, label in enumerate(labels):
        index = predictions.classes.index(label)
        if predictions.probabilities is not None:
            values = predictions.probabilities[:, index]
        elif len(predictions.classes) == _BINARY:
            values = predictions.decisions if index == 1 else -predictions.decisions
        else:
            values = predictions.decisions[:, index]
        y_true = np.asarray(predictions.y_true == label)
        if 0 < y_true.sum() < len(y_true):
            yield str(label), y_true, values, COLOURS[number % len(COLOURS)]


def _confusion(predictions: Predictions) -> Picture:
    from sklearn.metrics import confusion_matrix

    counts = confusion_matrix(predictions.y_true, predictions.y_pred, labels=list(predictions.classes))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = [shorten(str(label), _MAX_LABEL_LENGTH) for label in predictions.classes]
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
    return draw_picture("confusion_matrix", "Confusion matrix", caption, draw, (side * 1.2, side))


def _square(column: int, row: int, colour: str, share: float) -> Any:
    from matplotlib.patches import Rectangle

    rgba = tuple(int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=(*rgba, round(0.6 * share, 3)), edgecolor=LINE)


def _roc(curves: list[tuple[str, Any, Any, str]]) -> Picture:
    from sklearn.metrics import auc, roc_curve

    def draw(axes: Any) -> None:
        for name, y_true, values, colour in curves:
            false, true, _ = roc_curve(y_true, values)
            axes.plot(
                false, true, color=colour, label=f"{shorten(str(name), _MAX_LABEL_LENGTH)} ({auc(false, true):.3f})"
            )
        axes.plot([0, 1], [0, 1], color=LINE, linestyle="--")
        axes.set(xlabel="false positive rate", ylabel="true positive rate")
        axes.legend(loc="lower right")

    return draw_picture("roc", "ROC curve", "The area under each curve in brackets; the dashed line is guessing.", draw)


def _precision_recall(curves: list[tuple[str, Any, Any, str]]) -> Picture:
    from sklearn.metrics import average_precision_score, precision_recall_curve

    def draw(axes: Any) -> None:
        for name, y_true, values, colour in curves:
            precision, recall, _ = precision_recall_curve(y_true, values)
            label = f"{shorten(str(name), _MAX_LABEL_LENGTH)} ({average_precision_score(y_true, values):.3f})"
            axes.plot(recall, precision, color=colour, label=label, drawstyle="steps-post")
        axes.set(xlabel="recall", ylabel="precision", ylim=(-0.02, 1.05))
        axes.legend(loc="lower left")

    return draw_picture("precision_recall", "Precision and recall", "The average precision of each in brackets.", draw)


def _calibration(curves: list[tuple[str, Any, Any, str]]) -> Picture:
    from sklearn.calibration import calibration_curve

    def draw(axes: Any) -> None:
        for name, y_true, values, colour in curves:
            true_shares, y_pred = calibration_curve(y_true, np.clip(values, 0, 1), n_bins=_BINS)
            axes.plot(
                y_pred,
                true_shares,
                color=colour,
                marker="o",
                markersize=4,
                label=shorten(str(name), _MAX_LABEL_LENGTH),
            )
        axes.plot([0, 1], [0, 1], color=LINE, linestyle="--")
        axes.set(xlabel="predicted probability", ylabel="how often it was so")
        axes.legend(loc="upper left")

    caption = "On the dashed line, what is said to happen in 7 of 10 cases does so in 7 of 10."
    return draw_picture("calibration", "Calibration", caption, draw)


_POINTS = 1000


def number_plots(predictions: Predictions, seed: int) -> Iterator[Picture]:
    """Predicted against true, residuals against predicted, and how residuals are spread."""
    y_true, y_pred = np.asarray(predictions.y_true, "float64"), np.asarray(predictions.y_pred, "float64")
    residuals = y_true - y_pred
    shown = np.arange(len(y_true))
    if len(y_true) > _POINTS:
        shown = np.sort(np.random.default_rng(seed).choice(len(y_true), _POINTS, replace=False))
    shown_note = f" {_POINTS} of {len(y_true)} rows are shown." if len(y_true) > _POINTS else ""
    style: dict[str, Any] = {"s": 12, "alpha": 0.55, "color": COLOURS[0], "linewidths": 0}

    def predicted(axes: Any) -> None:
        axes.scatter(y_true[shown], y_pred[shown], **style)
        ends = [min(y_true.min(), y_pred.min()), max(y_true.max(), y_pred.max())]
        axes.plot(ends, ends, color=INK, linestyle="--", linewidth=1)
        axes.set(xlabel="true", ylabel="predicted")

    def against(axes: Any) -> None:
        axes.scatter(y_pred[shown], residuals[shown], **style)
        axes.axhline(0, color=INK, linestyle="--", linewidth=1)
        axes.set(xlabel="predicted", ylabel="true - predicted")

    def spread(axes: Any) -> None:
        axes.hist(residuals, bins=min(40, max(5, int(np.sqrt(len(residuals))))), color=COLOURS[0], alpha=0.75)
        axes.axvline(0, color=INK, linestyle="--", linewidth=1)
        axes.set(xlabel="true - predicted", ylabel="rows")

    yield draw_picture(
        "predicted", "Predicted against true", f"On the dashed line, both are the same.{shown_note}", predicted
    )
    caption = f"A shape in this cloud is something that the model has missed.{shown_note}"
    yield draw_picture("residuals", "Residuals", caption, against)
    yield draw_picture(
        "residual_histogram", "Spread of the residuals", "How large errors are, and to which side.", spread
    )


def compare_plot(metric: Metric, models: Sequence[Mapping[str, Any]]) -> Picture:
    """Scores of all models in cross-validation and on the test part, in the given order from the top."""

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
    return draw_picture(
        "models", "Models compared", "Each model in cross-validation and on the test part.", draw, (4.8, height)
    )
