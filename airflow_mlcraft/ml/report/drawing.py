"""Draw with matplotlib so that the same plot has the same bytes, and so that a page decides about its colours."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import pairwise
from typing import Any

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
_DPI = 144
_GAP = 4.0
"""Pixels between two labels of an axis."""


def picture(
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

    body = svg[svg.index("<svg") :]
    body = body.replace(INK, "var(--ink)").replace(LINE, "var(--line)").replace("'DejaVu Sans'", "inherit")
    return body.replace("<svg", f'<svg role="img" aria-label="{escape(title, quote=True)}"', 1)
