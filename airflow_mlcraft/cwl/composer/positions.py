"""Where the nodes of a workflow stand: as the document says, or, where it does not say all, as we draw it."""

from __future__ import annotations

from airflow_mlcraft.cwl.drawing.graph import graph_of
from airflow_mlcraft.cwl.drawing.layout import Spacing, layouts
from airflow_mlcraft.cwl.plan import Workflow

X, Y = "sbg:x", "sbg:y"
_COLUMN, _ROW = 300, 130
_SPACING = Spacing(gap=30, bend=20)
_BREADTH = 100.0

Positions = dict[tuple[str, str], tuple[int, int]]
"""By kind ("input", "step", "output") and id."""


def positions_of(workflow: Workflow) -> Positions:
    """Columns from left to right, one below the other where parts are not connected."""
    graph = graph_of(workflow)
    pairs = [(edge.source, edge.target) for edge in graph.edges]
    made: Positions = {}
    below = 0.0
    for layout in layouts([_BREADTH] * len(graph.nodes), pairs, _SPACING):
        for rank, layer in enumerate(layout.layers):
            for cell in layer:
                if cell.node is not None:
                    node = graph.nodes[cell.node]
                    made[node.kind, node.id] = (rank * _COLUMN, round(below + cell.at))
        below += layout.breadth + _ROW
    return made
