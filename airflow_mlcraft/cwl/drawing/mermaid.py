"""A plan as a Mermaid flowchart, for Markdown pages."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING

from airflow_mlcraft.cwl.drawing.graph import Graph, Node, build_graph

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_mlcraft.cwl.plan import Plan, Workflow

# Mermaid reads labels as Markdown ("1. x" is refused as a list, "_x_" is slanted) and HTML, so only words stay, with
# separators between letters or digits. Characters beyond ASCII have no special meaning.
_UNSAFE = re.compile(r"(?<![^\W_])[_.\-/]|[_.\-/](?![^\W_])|[!-,:-@\[-^`{-~]")
_MAX_EDGES, _MAX_TEXT = 500, 50_000
_BRACKETS = {"input": ("([", "])"), "output": ("([", "])"), "step": ("[", "]")}
_STYLES = {
    "input": "fill:#e7f0fb,stroke:#4a7fb5,color:#16324f",
    "output": "fill:#e6f5ea,stroke:#4b9560,color:#173d22",
    "step": "fill:#fff,stroke:#5b6472,color:#1d232c",
    "when": "stroke-dasharray:6 4",
}


def to_mermaid(plan: Plan) -> str:
    """A flowchart with inputs, steps and outputs; steps that run workflows are opened in place."""
    return "\n".join(["flowchart TD", *_Chart().lines(plan.root)]) + "\n"


def describe_exceeded_limit(chart: str) -> str:
    """A message for a chart that Mermaid only draws with changed settings; "" for others."""
    edges = chart.count(" --> ")
    if edges >= _MAX_EDGES:
        return f"the chart has {edges} edges, and Mermaid draws fewer than {_MAX_EDGES} (its setting maxEdges)"
    if len(chart) > _MAX_TEXT:
        return f"the chart has {len(chart):,} characters, and Mermaid draws at most {_MAX_TEXT:,} (maxTextSize)"
    return ""


class _Chart:
    """The state of a chart: numbers of nodes, and their styles.

    Mermaid gets generated ids instead of the document's.
    """

    def __init__(self) -> None:
        self.numbers = count()
        self.styled: dict[str, list[str]] = {style: [] for style in _STYLES}
        self.edges: list[str] = []

    def lines(self, root: Workflow) -> Iterator[str]:
        """The lines of the chart: nodes before edges, because Mermaid places a node where it is first named."""
        drawn, _, _ = self.workflow(root, "  ")
        yield from drawn
        yield from self.edges
        for style, members in self.styled.items():
            if members:
                yield f"  classDef {style} {_STYLES[style]}"
                yield f"  class {','.join(members)} {style}"

    def workflow(self, workflow: Workflow, indent: str) -> tuple[list[str], dict[str, str], dict[str, str]]:
        """The lines of a workflow's nodes, and the node keys of each of its inputs and outputs."""
        graph = build_graph(workflow)
        lines: list[str] = []
        arrivals: list[dict[str, str]] = []
        departures: list[dict[str, str]] = []
        keys = []
        for node in graph.nodes:
            key = f"n{next(self.numbers)}"
            keys.append(key)
            ins: dict[str, str] = {}
            outs: dict[str, str] = {}
            if node.inner is None:
                before, after = _BRACKETS[node.kind]
                lines.append(f'{indent}{key}{before}"{_label(node)}"{after}')
                self.styled[node.kind].append(key)
            else:
                inside, ins, outs = self.workflow(node.inner, indent + "  ")
                lines += [f'{indent}subgraph {key}["{_label(node)}"]', *inside, f"{indent}end"]
            if node.conditional:
                self.styled["when"].append(key)
            arrivals.append(ins)
            departures.append(outs)
        self.connect(graph, keys, arrivals, departures)
        named: dict[str, dict[str, str]] = {kind: {} for kind in _BRACKETS}
        for node, key in zip(graph.nodes, keys, strict=True):
            named[node.kind][node.id] = key
        return lines, named["input"], named["output"]

    def connect(
        self, graph: Graph, keys: list[str], arrivals: list[dict[str, str]], departures: list[dict[str, str]]
    ) -> None:
        """Add edges, which end at the inputs of an opened workflow, and start at its outputs."""
        for edge in graph.edges:
            for name in edge.names:
                output, _, port = name.partition(" → ")
                source = departures[edge.source].get(output, keys[edge.source])
                target = arrivals[edge.target].get(port, keys[edge.target])
                line = f"  {source} --> {target}"
                if line not in self.edges:
                    self.edges.append(line)


def _label(node: Node) -> str:
    captions = [caption for caption in node.captions if caption not in ("command", "workflow")]
    return "<br/>".join([_escape(node.name), *(_escape(caption) for caption in captions)])


def _escape(text: str) -> str:
    return _UNSAFE.sub(lambda match: f"#{ord(match.group())};", text)
