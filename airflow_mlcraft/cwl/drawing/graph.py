"""A workflow as nodes and edges, the common ground of all three pictures."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_mlcraft.cwl.drawing.cells import one_line
from airflow_mlcraft.cwl.drawing.typename import type_name
from airflow_mlcraft.cwl.plan import Link, Port, Step, ToolRef, Workflow

KINDS = {"CommandLineTool": "command", "ExpressionTool": "expression", "Operation": "operation"}


@dataclass(frozen=True, slots=True)
class Node:
    """An input, a step or an output of one workflow."""

    kind: str
    """"input", "step" or "output"."""
    id: str
    captions: tuple[str, ...] = ()
    title: str = ""
    """What a tooltip says."""
    scattered: bool = False
    conditional: bool = False
    inner: Workflow | None = None
    """The workflow that this step runs."""

    @property
    def name(self) -> str:
        """The id, fit to be drawn."""
        return one_line(self.id)


@dataclass(frozen=True, slots=True)
class Edge:
    """All that flows from one node to another. `names` tells the links apart: "model → reference"."""

    source: int
    target: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Graph:
    """The nodes of one workflow, edges between their positions."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def graph_of(workflow: Workflow, *, ports: bool = True) -> Graph:
    """The graph of one workflow: steps that run workflows stay closed. Without `ports`, steps alone."""
    inputs = [_input(port) for port in workflow.inputs] if ports else []
    outputs = [_output(link) for link in workflow.outputs] if ports else []
    nodes = (*inputs, *(_step(step) for step in workflow.steps), *outputs)
    from_input = {node.id: index for index, node in enumerate(inputs)}
    from_step = {step.id: index for index, step in enumerate(workflow.steps, len(inputs))}

    flows: dict[tuple[int, int], list[str]] = {}

    def connect(link: Link, target: int) -> None:
        for source in link.sources:
            step_id, _, output = source.rpartition("/")
            origin = from_input.get(source, from_step.get(step_id))
            if origin is not None:
                flows.setdefault((origin, target), []).append(f"{output} → {link.id}")

    for step in workflow.steps:
        for link in step.links:
            connect(link, from_step[step.id])
    if ports:
        for index, link in enumerate(workflow.outputs, len(nodes) - len(outputs)):
            connect(link, index)
    return Graph(nodes, tuple(Edge(*pair, tuple(names)) for pair, names in sorted(flows.items())))


def _input(port: Port) -> Node:
    return Node("input", port.id, (type_name(port.type),), _title("input", port.id, port.label, port.doc))


def _output(link: Link) -> Node:
    return Node("output", link.id, title=_title("output", link.id))


def _step(step: Step) -> Node:
    run = step.run
    notes = [f"when: {step.when}"] if step.when else []
    if step.scatter:
        notes.append(f"scatter: {', '.join(step.scatter)}")
    if isinstance(run, ToolRef) and run.container:
        notes.append(f"container: {run.container}")
    return Node(
        "step",
        step.id,
        tuple(_captions(step)),
        _title("step", step.id, step.label or run.label, step.doc or run.doc, *notes),
        scattered=bool(step.scatter),
        conditional=bool(step.when),
        inner=run if isinstance(run, Workflow) else None,
    )


def _captions(step: Step) -> list[str]:
    captions = []
    if isinstance(step.run, ToolRef):
        captions.append(KINDS.get(step.run.kind, step.run.kind))
    else:
        captions.append("workflow")
    if step.scatter:
        captions.append("⇶ scatter")
    if step.when:
        captions.append("when")
    return captions


def _title(kind: str, node_id: str, *notes: str) -> str:
    return "\n".join([f"{kind} {node_id}", *(note.strip() for note in notes if note.strip())])
