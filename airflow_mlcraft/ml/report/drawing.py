"""Draw with matplotlib so that the same plot has the same bytes, and so that a page decides about its colours."""

from __future__ import annotations

import io
from collections.abc import Callable
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
        draw(figure.add_subplot())
        svg, png = io.BytesIO(), io.BytesIO()
        figure.savefig(svg, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        figure.savefig(png, format="png", dpi=_DPI, facecolor="white", metadata={"Software": None})
    return Picture(name, title, caption, _inline(svg.getvalue().decode(), title), png.getvalue())


def _inline(svg: str, title: str) -> str:
    """The svg element alone, in the colours and the font of the page around it."""
    from html import escape

    body = svg[svg.index("<svg") :]
    body = body.replace(INK, "var(--ink)").replace(LINE, "var(--line)").replace("'DejaVu Sans'", "inherit")
    return body.replace("<svg", f'<svg role="img" aria-label="{escape(title, quote=True)}"', 1)
