"""A plan as a stand-alone SVG, left to right. Sub-workflows are boxes that contain their own drawing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from airflow_mlcraft.cwl.drawing.graph import Graph, Node, build_graph
from airflow_mlcraft.cwl.drawing.layout import Layout, Spacing, arrange_in_rows, lay_out
from airflow_mlcraft.cwl.drawing.terminal_canvas import columns, shorten

if TYPE_CHECKING:
    from airflow_mlcraft.cwl.plan import Plan, Workflow

NAME_LIMIT = 36
LAYER_GAP = 64.0
SPACING = Spacing(gap=18, bend=6)
PART_GAP = 36.0
MARGIN = 20.0
FRAME_PADDING = 18.0
"""Space between the border of a sub-workflow and the drawing inside."""
FRAME_HEADER = 34.0
"""Space above that drawing for the name."""

STYLE = """
svg { font-family: ui-sans-serif, system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif }
.page { fill: #ffffff }
.box { fill: #ffffff; stroke: #8a94a3; stroke-width: 1.2 }
.frame { fill: #f3f5f8; stroke: #8a94a3; stroke-width: 1.2 }
.input .box { fill: #e9f1fc; stroke: #6d9bd1 }
.output .box { fill: #e7f6ec; stroke: #67ac7e }
.when > .box, .when > .frame { stroke-dasharray: 6 4 }
.name { font-size: 13px; font-weight: 600; fill: #1f2733 }
.port .name { font-weight: 500 }
.note { font-size: 10.5px; fill: #647082 }
.flow { fill: none; stroke: #97a2b2; stroke-width: 1.4 }
.tip { fill: #97a2b2 }
@media (prefers-color-scheme: dark) {
  .page { fill: #14181f }
  .box { fill: #222933; stroke: #687488 }
  .frame { fill: #1a2029; stroke: #687488 }
  .input .box { fill: #16293f; stroke: #4c7db3 }
  .output .box { fill: #15301f; stroke: #4a8f62 }
  .name { fill: #e8ecf2 }
  .note { fill: #99a5b6 }
  .flow { stroke: #66728a }
  .tip { fill: #66728a }
}
"""


@dataclass(frozen=True, slots=True)
class _Picture:
    """Drawn elements, from (0, 0) to (width, height)."""

    width: float
    height: float
    parts: list[str]


def to_svg(plan: Plan) -> str:
    """One SVG document without scripts, with light and dark colours, and details in tooltips."""
    picture = _workflow(plan.root)
    width, height = picture.width + 2 * MARGIN, picture.height + 2 * MARGIN
    title = plan.root.label or plan.document or plan.root.id
    size = f'viewBox="0 0 {_n(width)} {_n(height)}" width="{_n(width)}" height="{_n(height)}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
            f"<title>{_escaped(title)}</title>",
            f"<style>{STYLE}</style>",
            '<rect class="page" width="100%" height="100%"/>',
            *_shifted(picture.parts, MARGIN, MARGIN),
            "</svg>\n",
        ]
    )


def _workflow(workflow: Workflow) -> _Picture:
    graph = build_graph(workflow)
    boxes = [_box(node) for node in graph.nodes]
    pairs = [(edge.source, edge.target) for edge in graph.edges]
    drawn = [_part(layout, graph, boxes) for layout in lay_out([box.height for box in boxes], pairs, SPACING)]
    sizes = [(picture.width, picture.height) for picture in drawn]
    places = arrange_in_rows(sizes, _row_length(sizes), PART_GAP)
    parts: list[str] = []
    for picture, (x, y) in zip(drawn, places, strict=True):
        parts += _shifted(picture.parts, x, y)
    width = max((x + w for (x, _), (w, _) in zip(places, sizes, strict=True)), default=0)
    height = max((y + h for (_, y), (_, h) in zip(places, sizes, strict=True)), default=0)
    return _Picture(width, height, parts)


def _row_length(sizes: list[tuple[float, float]]) -> float:
    """The maximal length of a row of unconnected parts, for pleasant proportions of the drawing."""
    area = sum((width + PART_GAP) * (height + PART_GAP) for width, height in sizes)
    return max([math.sqrt(1.8 * area), *(width for width, _ in sizes)])


def _part(layout: Layout, graph: Graph, boxes: list[_Picture]) -> _Picture:
    """The drawing of one connected part: layers from left to right."""
    depths = [max(boxes[cell.node].width for cell in layer if cell.node is not None) for layer in layout.layers]
    lefts = [sum(depths[:rank]) + LAYER_GAP * rank for rank in range(len(depths))]
    spans = {}
    for layer in layout.layers:
        for cell in layer:
            depth = depths[cell.rank] if cell.node is None else boxes[cell.node].width
            # In the middle, but near its sources if a sub-workflow makes the layer deep.
            left = lefts[cell.rank] + min((depths[cell.rank] - depth) / 2, LAYER_GAP)
            spans[id(cell)] = (left, left + depth)
    flows = _flows(layout, graph)
    parts = []
    for source, target in layout.segments:
        start, end = spans[id(source)][1], spans[id(target)][0]
        gap = (lefts[source.rank] + depths[source.rank], lefts[target.rank])
        past = spans[id(target)][1] if target.node is None else None
        title = flows.get((id(source), target.node))
        parts.append(_flow((start, source.at), (end, target.at), gap, past, title))
    for layer in layout.layers:
        for cell in layer:
            if cell.node is not None:
                parts += _shifted(boxes[cell.node].parts, spans[id(cell)][0], cell.start)
    return _Picture(lefts[-1] + depths[-1], layout.breadth, parts)


def _flows(layout: Layout, graph: Graph) -> dict[tuple[int, int | None], str]:
    """The titles of the last segments into each node."""
    origin: dict[int, int] = {}
    for source, target in layout.segments:
        start = origin[id(source)] if source.node is None else source.node
        if target.node is None:
            origin[id(target)] = start
    names = {(edge.source, edge.target): "\n".join(edge.names) for edge in graph.edges}
    flows: dict[tuple[int, int | None], str] = {}
    for source, target in layout.segments:
        if target.node is not None:
            start = origin[id(source)] if source.node is None else source.node
            flows[id(source), target.node] = names[start, target.node]
    return flows


def _flow(
    start: tuple[float, float],
    end: tuple[float, float],
    gap: tuple[float, float],
    past: float | None,
    title: str | None,
) -> str:
    """A line that bends between the layers only, never behind a box; with an arrow head at a node."""
    (x1, y1), (x2, y2) = start, end
    tip = 7 if past is None else 0
    left, right = gap[0], min(gap[1], x2) - tip
    middle = (left + right) / 2
    path = f"M{_n(x1)} {_n(y1)}"
    if y1 != y2:
        path += f"H{_n(left)}C{_n(middle)} {_n(y1)} {_n(middle)} {_n(y2)} {_n(right)} {_n(y2)}"
    path += f"H{_n(x2 - tip if past is None else past)}"
    line = f'<path class="flow" d="{path}"/>'
    if past is None:
        line += f'<path class="tip" d="M{_n(x2)} {_n(y2)}l-8 -4.5v9z"/>'
    return f"<g><title>{_escaped(title)}</title>{line}</g>" if title else line


def _box(node: Node) -> _Picture:
    if node.inner is not None:
        return _frame(node, _workflow(node.inner))
    name, note = shorten(node.name, NAME_LIMIT), shorten(" · ".join(node.captions), NAME_LIMIT + 8)
    port = node.kind != "step"
    height = 40.0 if port else 46.0
    width = max(_estimate_width(name, 7.6), _estimate_width(note, 6.2)) + (34 if port else 30)
    width = max(width, 84.0 if port else 112.0)
    corner = height / 2 if port else 8.0
    parts = []
    if node.scattered:
        # A second rectangle behind the first marks a scatter.
        parts.append(f'<rect class="box" x="4" y="4" width="{_n(width)}" height="{_n(height)}" rx="8"/>')
    parts.append(f'<rect class="box" width="{_n(width)}" height="{_n(height)}" rx="{_n(corner)}"/>')
    middle = height / 2
    parts += _text_element("name", name, width / 2, middle - 3 if note else middle + 4.5)
    parts += _text_element("note", note, width / 2, middle + 12)
    return _Picture(width, height, _group(node, parts))


def _frame(node: Node, inside: _Picture) -> _Picture:
    """The box of a sub-workflow, around its picture."""
    name, note = shorten(node.name, NAME_LIMIT), " · ".join(node.captions)
    wide = _estimate_width(name, 7.8)
    width = max(inside.width + 2 * FRAME_PADDING, wide + _estimate_width(note, 6.2) + 2 * FRAME_PADDING + 14)
    height = FRAME_HEADER + inside.height + FRAME_PADDING
    parts = []
    if node.scattered:
        parts.append(f'<rect class="frame" x="5" y="5" width="{_n(width)}" height="{_n(height)}" rx="12"/>')
    parts.append(f'<rect class="frame" width="{_n(width)}" height="{_n(height)}" rx="12"/>')
    parts.append(f'<text class="name" x="{_n(FRAME_PADDING)}" y="22">{_escaped(name)}</text>')
    parts += _text_element("note", note, width - FRAME_PADDING, 22, anchor="end")
    parts += _shifted(inside.parts, (width - inside.width) / 2, FRAME_HEADER)
    return _Picture(width, height, _group(node, parts))


def _group(node: Node, parts: list[str]) -> list[str]:
    classes = [node.kind] + ["port"] * (node.kind != "step") + ["when"] * node.conditional
    return [f'<g class="{" ".join(classes)}"><title>{_escaped(node.title)}</title>', *parts, "</g>"]


def _text_element(kind: str, text: str, x: float, y: float, *, anchor: str = "middle") -> list[str]:
    if not text:
        return []
    return [f'<text class="{kind}" text-anchor="{anchor}" x="{_n(x)}" y="{_n(y)}">{_escaped(text)}</text>']


def _shifted(parts: list[str], x: float, y: float) -> list[str]:
    return [f'<g transform="translate({_n(x)} {_n(y)})">', *parts, "</g>"] if x or y else parts


def _estimate_width(text: str, advance: float) -> float:
    """The approximate width of a text, as the reader's fonts are unknown."""
    return columns(text) * advance


def _escaped(text: str) -> str:
    """The text escaped for XML, without the control characters that XML cannot contain."""
    return escape("".join(char for char in text if char in "\n\t" or char.isprintable()), {'"': "&quot;"})


def _n(number: float) -> str:
    return f"{number:.1f}".rstrip("0").rstrip(".")
