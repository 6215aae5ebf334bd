"""Layout of a directed graph in layers, by grandalf's Sugiyama algorithm: the layer and position of each node.

The depth of a layer is decided by each drawing.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from grandalf.graphs import Edge, Graph, Vertex  # type: ignore[import-untyped]
from grandalf.layouts import Layer, SugiyamaLayout  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(slots=True, eq=False)
class Cell:
    """A position in a layer: a node, or (node None) a bend of a long edge that passes the layer."""

    node: int | None
    breadth: float
    rank: int
    at: float = 0
    """The middle of the cell, across the layer."""

    @property
    def start(self) -> float:
        """The start of the cell."""
        return self.at - self.breadth / 2

    @property
    def end(self) -> float:
        """The end of the cell."""
        return self.at + self.breadth / 2


@dataclass(slots=True)
class Layout:
    """One connected part of a graph, laid out. Segments join cells of neighbouring layers only."""

    layers: list[list[Cell]]
    segments: list[tuple[Cell, Cell]]
    breadth: float = 0


@dataclass(slots=True)
class Spacing:
    """The distance of a layer's cells, and the breadth of a bend."""

    gap: float
    bend: float


@dataclass(slots=True)
class _View:
    """The attributes of a vertex that grandalf reads."""

    w: float
    h: float = 1
    xy: tuple[float, float] = field(default=(0, 0))


def lay_out(breadths: Sequence[float], edges: Sequence[tuple[int, int]], spacing: Spacing) -> list[Layout]:
    """One layout per connected part, in the order of their first nodes."""
    return [_layout(part, breadths, edges, spacing) for part in _connected_parts(len(breadths), edges)]


def arrange_in_rows(sizes: Sequence[tuple[float, float]], limit: float, gap: float) -> list[tuple[float, float]]:
    """Positions of blocks in rows of at most the length `limit`."""
    places: list[tuple[float, float]] = []
    x = y = tallest = 0.0
    for width, height in sizes:
        if x and x + width > limit:
            x, y, tallest = 0.0, y + tallest + gap, 0.0
        places.append((x, y))
        x += width + gap
        tallest = max(tallest, height)
    return places


def _connected_parts(size: int, edges: Sequence[tuple[int, int]]) -> list[list[int]]:
    """The connected parts of a graph."""
    neighbours: list[list[int]] = [[] for _ in range(size)]
    for source, target in edges:
        neighbours[source].append(target)
        neighbours[target].append(source)
    parts, seen = [], [False] * size
    for first in range(size):
        if seen[first]:
            continue
        part, seen[first] = [first], True
        for node in part:
            for other in neighbours[node]:
                if not seen[other]:
                    seen[other] = True
                    part.append(other)
        parts.append(sorted(part))
    return parts


def _ranks(nodes: list[int], edges: list[tuple[int, int]]) -> dict[int, int]:
    """The layer of each node: after all its sources; a node without sources is placed before its first user."""
    users: dict[int, list[int]] = {node: [] for node in nodes}
    waiting = dict.fromkeys(nodes, 0)
    for source, target in edges:
        users[source].append(target)
        waiting[target] += 1
    roots = [node for node in nodes if not waiting[node]]
    ranks = dict.fromkeys(roots, 0)
    ready = list(roots)
    for node in ready:
        for user in users[node]:
            ranks[user] = max(ranks.get(user, 0), ranks[node] + 1)
            waiting[user] -= 1
            if not waiting[user]:
                ready.append(user)
    for root in roots:
        if users[root]:
            ranks[root] = min(ranks[user] for user in users[root]) - 1
    return ranks


def _layout(part: list[int], breadths: Sequence[float], edges: Sequence[tuple[int, int]], spacing: Spacing) -> Layout:
    members = set(part)
    inner = [edge for edge in edges if edge[0] in members]
    ranks = _ranks(part, inner)
    layers: list[list[Cell]] = [[] for _ in range(max(ranks.values()) + 1)]
    cells = {node: Cell(node, breadths[node], ranks[node]) for node in part}
    for cell in cells.values():
        layers[cell.rank].append(cell)
    layout = Layout(layers, _segments(cells, inner, layers, spacing))
    _order_and_place(layout, spacing)
    return layout


def _segments(
    cells: dict[int, Cell], edges: list[tuple[int, int]], layers: list[list[Cell]], spacing: Spacing
) -> list[tuple[Cell, Cell]]:
    """The segments of edges between neighbouring layers. The long edges of one source share their bends.

    Without that, one input used by each of 300 steps in a row would need 45,000 bends.
    """
    trunks: dict[int, list[Cell]] = {}
    segments = []
    for source, target in edges:
        trunk = trunks.setdefault(source, [cells[source]])
        while trunk[-1].rank < cells[target].rank - 1:
            bend = Cell(None, spacing.bend, trunk[-1].rank + 1)
            layers[bend.rank].append(bend)
            segments.append((trunk[-1], bend))
            trunk.append(bend)
        segments.append((trunk[cells[target].rank - 1 - trunk[0].rank], cells[target]))
    return segments


class _Sugiyama(SugiyamaLayout):  # type: ignore[misc]
    """Orders given layers, and finds the positions within them."""

    def __init__(self, graph: Graph, layers: list[list[Vertex]]):
        super().__init__(graph)
        self.given = layers

    def rank_all(self, roots: object, optimize: bool = False) -> None:
        """Apply the given ranks, in place of grandalf's ranking."""
        for rank, vertices in enumerate(self.given):
            for vertex in vertices:
                self.grx[vertex].rank = rank
        self.layers = [Layer(vertices) for vertices in self.given]


def _order_and_place(layout: Layout, spacing: Spacing) -> None:
    """Order each layer and position its cells."""
    vertices: dict[int, Vertex] = {}
    for layer in layout.layers:
        for cell in layer:
            vertex = vertices[id(cell)] = Vertex(cell)
            vertex.view = _View(cell.breadth)
    edges = [Edge(vertices[id(source)], vertices[id(target)]) for source, target in layout.segments]
    graph = Graph(list(vertices.values()), edges)
    (component,) = graph.C
    sugiyama = _Sugiyama(component, [[vertices[id(cell)] for cell in layer] for layer in layout.layers])
    sugiyama.xspace = spacing.gap
    with _deep_recursion(20 * len(vertices)):
        sugiyama.init_all(roots=[], inverted_edges=[])
        sugiyama.draw(3)
    for rank, layer in enumerate(sugiyama.layers):
        for vertex in layer:
            vertex.data.at = vertex.view.xy[0]
        layout.layers[rank] = [vertex.data for vertex in layer]
    _resolve_overlaps(layout, spacing.gap)


def _resolve_overlaps(layout: Layout, gap: float) -> None:
    """Move cells so that layers start at 0, and resolve overlaps that grandalf's mean of four alignments may leave."""
    for layer in layout.layers:
        for previous, cell in pairwise(layer):
            cell.at = max(cell.at, previous.end + gap + cell.breadth / 2)
    start = min(layer[0].start for layer in layout.layers)
    for layer in layout.layers:
        for cell in layer:
            cell.at -= start
    layout.breadth = max(layer[-1].end for layer in layout.layers)


@contextmanager
def _deep_recursion(depth: int) -> Iterator[None]:
    """Raise the recursion limit in the context: grandalf recurses along the cells of a layer."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, limit + depth))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
