"""The graph of a workflow for all drawings: nodes, edges, and folding of sub-workflows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from airflow_mlcraft.common.cwl_types import format_type
from airflow_mlcraft.cwl.drawing.terminal_canvas import one_line
from airflow_mlcraft.cwl.plan import Link, Plan, Port, Step, ToolRef, Workflow

KIND_CAPTIONS = {"CommandLineTool": "command", "ExpressionTool": "expression", "Operation": "operation"}


@dataclass(frozen=True, slots=True)
class Node:
    """An input, a step or an output of one workflow."""

    kind: str
    """"input", "step" or "output"."""
    id: str
    captions: tuple[str, ...] = ()
    title: str = ""
    """The text of the tooltip."""
    scattered: bool = False
    conditional: bool = False
    inner: Workflow | None = None
    """The workflow that this step runs."""

    @property
    def name(self) -> str:
        """The id as one line of printable text."""
        return one_line(self.id)


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge with all links from one node to another. `names` are the links' names, as "model → reference"."""

    source: int
    target: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Graph:
    """The nodes of one workflow, edges between their positions."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def build_graph(workflow: Workflow, *, ports: bool = True) -> Graph:
    """The graph of one workflow; sub-workflows are single nodes. Without `ports`, it has steps only."""
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
    return Node("input", port.id, (format_type(port.type),), _title("input", port.id, port.label, port.doc))


def _output(link: Link) -> Node:
    return Node("output", link.id, title=_title("output", link.id))


def _step(step: Step) -> Node:
    run = step.run
    notes = [f"{'while' if step.loop else 'when'}: {step.when}"] if step.when else []
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
        captions.append(KIND_CAPTIONS.get(step.run.kind, step.run.kind))
    else:
        captions.append("workflow")
    if step.scatter:
        captions.append("⇶ scatter")
    if step.loop:
        captions.append("↻ loop")
    elif step.when:
        captions.append("when")
    if step.fused and not step.loop:
        captions.append("one task")
    return captions


def _title(kind: str, node_id: str, *notes: str) -> str:
    return "\n".join([f"{kind} {node_id}", *(note.strip() for note in notes if note.strip())])


MAX_READABLE_STEPS = 80
"""The number of steps up to which a drawing is readable."""


def fold_workflows(plan: Plan, depth: int) -> Plan:
    """The plan with `depth` levels of workflows; with 1, sub-workflows become plain steps."""
    return replace(plan, root=_fold_workflow(plan.root, depth))


def find_readable_depth(plan: Plan) -> int:
    """The number of levels with which a drawing stays readable; at least one."""
    deepest = count_levels(plan.root)
    return next((depth for depth in range(deepest, 1, -1) if count_steps(plan.root, depth) <= MAX_READABLE_STEPS), 1)


def count_levels(workflow: Workflow) -> int:
    """The number of levels of nested workflows."""
    return 1 + max((count_levels(inner) for inner in _iter_subworkflows(workflow)), default=0)


def count_steps(workflow: Workflow, depth: int) -> int:
    """The number of steps in a drawing of so many levels, without opened sub-workflows."""
    opened = list(_iter_subworkflows(workflow)) if depth > 1 else []
    return len(workflow.steps) - len(opened) + sum(count_steps(inner, depth - 1) for inner in opened)


def _fold_workflow(workflow: Workflow, depth: int) -> Workflow:
    return replace(workflow, steps=tuple(_fold_step(step, depth) for step in workflow.steps))


def _fold_step(step: Step, depth: int) -> Step:
    if not isinstance(step.run, Workflow):
        return step
    if depth > 1:
        return replace(step, run=_fold_workflow(step.run, depth - 1))
    is_folded = count_steps(step.run, count_levels(step.run))
    kind = f"workflow of {is_folded} steps" if is_folded != 1 else "workflow of 1 step"
    return replace(step, run=ToolRef("", kind, step.run.id, step.run.label, step.run.doc))


def _iter_subworkflows(workflow: Workflow) -> Iterator[Workflow]:
    return (step.run for step in workflow.steps if isinstance(step.run, Workflow))
