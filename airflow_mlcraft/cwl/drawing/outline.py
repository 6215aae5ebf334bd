"""A workflow as an indented list: each step with what it takes its inputs from."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from airflow_mlcraft.cwl.drawing.cells import columns
from airflow_mlcraft.cwl.drawing.graph import Graph, graph_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_mlcraft.cwl.plan import Workflow


def outline(workflow: Workflow, width: int, indent: str = "") -> list[str]:
    """One entry a step, in an order they can run in; the steps of a sub-workflow below it, further in."""
    graph = graph_of(workflow)
    sources: list[list[str]] = [[] for _ in graph.nodes]
    for edge in graph.edges:
        sources[edge.target].append(graph.nodes[edge.source].name)
    lines = []
    for index in _in_order(graph):
        node = graph.nodes[index]
        if node.kind != "step":
            continue
        notes = [f"({caption})" for caption in node.captions if caption != "command"]
        names = [name + "," for name in sources[index][:-1]] + sources[index][-1:]
        arrow = ["←"] if names else []
        lines += wrapped(f"{indent}• ", [node.name, *notes, *arrow, *names], width, hang=indent + "    ")
        if node.inner is not None:
            lines += outline(node.inner, width, indent + "  ")
    return lines


def wrapped(head: str, words: Iterable[str], width: int, hang: str = "  ") -> list[str]:
    """Words after a head, on as many lines as they need. A word broader than a line stays whole."""
    lines, line = [], head
    fresh = True
    for word in words:
        if not fresh and columns(line) + 1 + columns(word) > width:
            lines.append(line)
            line, fresh = hang, True
        line += word if fresh else " " + word
        fresh = False
    return [*lines, line]


def _in_order(graph: Graph) -> list[int]:
    """Sources before their users, otherwise as written."""
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
