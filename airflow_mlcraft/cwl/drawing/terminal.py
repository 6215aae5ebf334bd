"""A plan as text for a terminal, from top to bottom; as a list of steps if the drawing is too wide."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from airflow_mlcraft.cwl.drawing.graph import Graph, Node, build_graph
from airflow_mlcraft.cwl.drawing.layout import Layout, Spacing, arrange_in_rows, lay_out
from airflow_mlcraft.cwl.drawing.terminal_canvas import Canvas, Channel, Slot, columns, one_line, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_mlcraft.cwl.plan import Plan, Workflow


SPACING = Spacing(gap=2, bend=3)
NAME_LIMIT = 32


class _TooWideError(Exception):
    """The drawing does not fit the width."""


def to_text(plan: Plan, width: int) -> str:
    """The steps as boxes joined by lines, between a line of inputs and one of outputs."""
    root = plan.root
    try:
        drawing = _workflow(root, width).lines()
    except _TooWideError:
        drawing = outline(root, width)
    above = _ports("inputs", [port.id for port in root.inputs], width)
    below = _ports("outputs", [link.id for link in root.outputs], width)
    return "\n".join([*above, *drawing, *below]) + "\n"


def _ports(kind: str, names: list[str], width: int) -> list[str]:
    words = [one_line(name) for name in names]
    return wrap_words(f"{kind}: ", [word + "," for word in words[:-1]] + words[-1:], width) if words else []


def _workflow(workflow: Workflow, width: int) -> Canvas:
    graph = build_graph(workflow, ports=False)
    incoming = [0] * len(graph.nodes)
    for edge in graph.edges:
        incoming[edge.target] += 1
    # Each line needs a column of its own on the border of its target.
    boxes = [_box(node, width, 2 * count + 3) for node, count in zip(graph.nodes, incoming, strict=True)]
    pairs = [(edge.source, edge.target) for edge in graph.edges]
    laid_out = lay_out([box.width for box in boxes], pairs, SPACING)
    parts = [_part(layout, graph, boxes, width) for layout in laid_out]
    sizes = [(part.width, len(part.rows)) for part in parts]
    places = arrange_in_rows(sizes, width, SPACING.gap)
    sheet = Canvas(max((int(x) + w for (x, _), (w, _) in zip(places, sizes, strict=True)), default=0))
    for part, (x, y) in zip(parts, places, strict=True):
        sheet.paste(int(x), int(y), part.rows)
    return sheet


def _part(layout: Layout, graph: Graph, boxes: list[Canvas], width: int) -> Canvas:
    """One connected part, layer by layer."""
    layers = _slots(layout)
    broad = max(slot.right for layer in layers for slot in layer) + 1
    if broad > width:
        raise _TooWideError
    sheet = Canvas(broad)
    y = 0
    for layer, following in zip(layers, [*layers[1:], []], strict=True):
        height = max(len(boxes[slot.node].rows) for slot in layer if slot.node is not None)
        for slot in layer:
            if slot.node is not None:
                sheet.paste(slot.left, y, boxes[slot.node].rows)
        channel = Channel(layer, following)
        for slot in layer:
            if slot.targets:
                shown = 0 if slot.node is None else len(boxes[slot.node].rows)
                _extend_line(sheet, slot, y + shown, y + height)
        y += height
        if following:
            channel.draw(sheet, y)
            y += channel.height
    return sheet


def _extend_line(sheet: Canvas, slot: Slot, top: int, bottom: int) -> None:
    """Draw a line from the lower border of a box, or for a bend from the top of its layer, to the layer's end."""
    if slot.node is not None:
        sheet.write(slot.leaves, top - 1, "┬")
    sheet.vertical_line(slot.leaves, top, bottom)


def _slots(layout: Layout) -> list[list[Slot]]:
    """The cells of a layout with positions in whole columns."""
    slots: dict[int, Slot] = {}
    layers = []
    for cells in layout.layers:
        row: list[Slot] = []
        for cell in cells:
            left = round(cell.start)
            if row:
                left = max(left, row[-1].right + 1 + int(SPACING.gap))
            slot = slots[id(cell)] = Slot(cell.node, left, left + int(cell.breadth) - 1)
            row.append(slot)
        layers.append(row)
    for source, target in layout.segments:
        slots[id(source)].targets.append(slots[id(target)])
        slots[id(target)].sources.append(slots[id(source)])
    return layers


_SHOWN_CAPTIONS = ("⇶ scatter", "when", "↻ loop", "one task")


def _box(node: Node, width: int, least: int) -> Canvas:
    name = shorten(node.name, NAME_LIMIT)
    notes = " ".join(
        caption for caption in node.captions if caption in _SHOWN_CAPTIONS or caption.startswith("workflow of")
    )
    if node.inner is not None:
        return _frame(node, " ".join([name, notes]).strip(), width, least)
    rows = [name, notes] if notes else [name]
    sheet = Canvas(max(least, *(columns(row) + 4 for row in rows)))
    sheet.box(0, 0, sheet.width, len(rows) + 2, dashed=node.conditional)
    for y, row in enumerate(rows, 1):
        sheet.write((sheet.width - columns(row)) // 2, y, row)
    return sheet


def _frame(node: Node, heading: str, width: int, least: int) -> Canvas:
    """The box of a sub-workflow around its drawing."""
    assert node.inner is not None  # noqa: S101
    inside = _workflow(node.inner, width - 4)
    sheet = Canvas(max(least, inside.width + 4, columns(heading) + 4))
    sheet.box(0, 0, sheet.width, len(inside.rows) + 3, dashed=node.conditional)
    sheet.write(2, 1, heading)
    sheet.paste((sheet.width - inside.width) // 2, 2, inside.rows)
    return sheet


def outline(workflow: Workflow, width: int, indent: str = "") -> list[str]:
    """A list of the steps in an order in which they can run; steps of a sub-workflow are indented below it."""
    graph = build_graph(workflow)
    sources: list[list[str]] = [[] for _ in graph.nodes]
    for edge in graph.edges:
        sources[edge.target].append(graph.nodes[edge.source].name)
    lines = []
    for index in _sort_by_dependencies(graph):
        node = graph.nodes[index]
        if node.kind != "step":
            continue
        notes = [f"({caption})" for caption in node.captions if caption != "command"]
        names = [name + "," for name in sources[index][:-1]] + sources[index][-1:]
        arrow = ["←"] if names else []
        lines += wrap_words(f"{indent}• ", [node.name, *notes, *arrow, *names], width, hang=indent + "    ")
        if node.inner is not None:
            lines += outline(node.inner, width, indent + "  ")
    return lines


def wrap_words(head: str, words: Iterable[str], width: int, hang: str = "  ") -> list[str]:
    """Words after a head, wrapped to a width. A longer word is not broken."""
    lines, line = [], head
    is_empty = True
    for word in words:
        if not is_empty and columns(line) + 1 + columns(word) > width:
            lines.append(line)
            line, is_empty = hang, True
        line += word if is_empty else " " + word
        is_empty = False
    return [*lines, line]


def _sort_by_dependencies(graph: Graph) -> list[int]:
    """The nodes sorted so that sources come before their users, otherwise in document order."""
    users: list[list[int]] = [[] for _ in graph.nodes]
    waiting = [0] * len(graph.nodes)
    for edge in graph.edges:
        users[edge.source].append(edge.target)
        waiting[edge.target] += 1
    ready = [index for index, count in enumerate(waiting) if not count]
    heapify(ready)
    order = []
    while ready:
        index = heappop(ready)
        order.append(index)
        for user in users[index]:
            waiting[user] -= 1
            if not waiting[user]:
                heappush(ready, user)
    return order
