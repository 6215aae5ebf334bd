"""The graph of a plan as JSON: nodes with typed ports, edges, nested sub-workflows, and positions from documents."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_mlcraft.common.cwl_types import array_of, local_name, shorten_type
from airflow_mlcraft.cwl.plan import Json, Link, Port, Step, ToolRef, Workflow
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.layout.hints import get_step_kind
from airflow_mlcraft.layout.layout import Layout
from airflow_mlcraft.layout.tasks import StepLayout, WorkflowLayout
from airflow_mlcraft.library.folder import read_text
from airflow_mlcraft.library.shallow_yaml import load_shallow
from airflow_mlcraft.library.summary import find_main_process, iter_entries


@dataclass(frozen=True)
class PlanGraph:
    """The graph of one plan."""

    layout: Layout
    tool: Callable[[str], Json]
    """The document of a tool by its digest."""
    positions: Positions

    def to_json(self) -> Json:
        """Return the nodes and edges as JSON."""
        return self._workflow_to_json(self.layout.shown_root, self.positions)

    def inputs(self) -> list[Json]:
        """Return the inputs of a run as JSON."""
        return [
            {
                **_port_to_json(port.id, shorten_type(port.type), port.label, port.doc),
                "optional": port.optional,
                **({"default": port.default} if port.has_default else {}),
                **({"choices": port.choices} if port.choices else {}),
            }
            for port in self.layout.root.workflow.inputs
        ]

    def _workflow_to_json(self, workflow_layout: WorkflowLayout, positions: Positions) -> Json:
        workflow = workflow_layout.workflow
        types = _Types(workflow, self.tool)
        prefix = "".join(f"{name}/" for name in workflow_layout.path)
        nodes = [
            *(
                self._port_node_to_json(prefix, "input", port.id, shorten_type(port.type), port)
                for port in workflow.inputs
            ),
            *(
                self._step_to_json(step_layout, types, positions, prefix)
                for step_layout in workflow_layout.steps.values()
            ),
            *(
                self._port_node_to_json(prefix, "output", link.id, types.link_type(link), None)
                for link in workflow.outputs
            ),
        ]
        for node in nodes:
            if position := positions.own.get(node["key"].removeprefix(prefix)):
                node["position"] = position
        return {"nodes": nodes, "edges": list(_iter_edges(workflow, prefix))}

    def _port_node_to_json(self, prefix: str, kind: str, name: str, cwl_type: Json, port: Port | None) -> Json:
        ports = [_port_to_json(name, _type_caption(cwl_type))]
        return {
            "key": f"{prefix}{kind}:{name}",
            "kind": kind,
            "id": name,
            "label": (port.label if port else "") or name,
            **({"doc": port.doc} if port and port.doc else {}),
            "inputs": ports if kind == "output" else [],
            "outputs": ports if kind == "input" else [],
        }

    def _step_to_json(self, step_layout: StepLayout, types: _Types, positions: Positions, prefix: str) -> Json:
        step = step_layout.step
        task = {
            "task_id": step_layout.task_id,
            "items_task_id": step_layout.items_task_id,
            "group": step_layout.group_id,
        }
        node = {
            "key": f"{prefix}step:{step.id}",
            "kind": "step",
            "id": step.id,
            "label": step.label or step.run.label or step.id,
            "doc": step.doc or step.run.doc,
            "inputs": [
                {
                    **_port_to_json(link.id, _type_caption(types.input_type(step, link.id))),
                    **({"scattered": True} if link.id in step.scatter else {}),
                }
                for link in step.links
                if not link.unbound
            ],
            "outputs": [
                _port_to_json(output, _type_caption(types.output_type(step, output))) for output in step.outputs
            ],
            "tool": _tool_to_json(step),
            "scatter": list(step.scatter),
            "scatterMethod": step.scatter_method,
            "when": step.when,
            "fused": step.fused,
            "loop": [link.id for link in step.loop],
            "task": {key: value for key, value in task.items() if value},
        }
        inside = step_layout.subworkflow or step_layout.inside
        if inside is not None:
            node["inside"] = self._workflow_to_json(inside, positions.subworkflows.get(step.id, Positions()))
        return {key: value for key, value in node.items() if value or key in ("inputs", "outputs")}


class _Types:
    """The types of the inputs and outputs of a workflow's steps; a plan has only the types of workflow inputs."""

    def __init__(self, workflow: Workflow, tool: Callable[[str], Json]):
        self._workflow = workflow
        self._tool = tool
        self._ports: dict[tuple[str, str], Mapping[str, Json]] = {}

    def input_type(self, step: Step, name: str) -> Json:
        """Return the type of a step's input: for a scattered input an array of the tool's type."""
        if isinstance(step.run, Workflow):
            cwl_type = next((shorten_type(port.type) for port in step.run.inputs if port.id == name), "")
        else:
            cwl_type = self._tool_ports(step.run, "inputs").get(name, "")
        return array_of(cwl_type) if name in step.scatter and cwl_type else cwl_type

    def output_type(self, step: Step, name: str) -> Json:
        """Return the type of a step's output: nested arrays if the step is scattered."""
        if isinstance(step.run, Workflow):
            link = next((link for link in step.run.outputs if link.id == name), None)
            cwl_type = _Types(step.run, self._tool).link_type(link) if link else ""
        else:
            cwl_type = self._tool_ports(step.run, "outputs").get(name, "")
        depth = len(step.scatter) if step.scatter_method == "nested_crossproduct" else min(len(step.scatter), 1)
        return array_of(cwl_type, depth) if cwl_type else cwl_type

    def link_type(self, link: Link) -> Json:
        """Return the type of a workflow's output, from its sources."""
        found = [self._source_type(source) for source in link.sources]
        if not found or not all(found):
            return ""
        if len(found) == 1:
            return found[0]
        if link.pick_value and link.pick_value != "all_non_null":
            return found[0]
        return found[0] if link.link_merge == "merge_flattened" else array_of(found[0])

    def _source_type(self, source: str) -> Json:
        step, _, name = source.rpartition("/")
        if step:
            return self.output_type(self._workflow.step(step), name)
        return next((shorten_type(port.type) for port in self._workflow.inputs if port.id == name), "")

    def _tool_ports(self, tool: ToolRef, kind: str) -> Mapping[str, Json]:
        key = (tool.digest, kind)
        if key not in self._ports:
            ports = self._tool(tool.digest).get(kind, ())
            self._ports[key] = {local_name(port["id"]): shorten_type(port.get("type", "Any")) for port in ports}
        return self._ports[key]


def _iter_edges(workflow: Workflow, prefix: str) -> Iterator[Json]:
    for step in workflow.steps:
        for link in step.links:
            yield from _link_edges(link, f"{prefix}step:{step.id}", prefix)
    for link in workflow.outputs:
        yield from _link_edges(link, f"{prefix}output:{link.id}", prefix)


def _link_edges(link: Link, target: str, prefix: str) -> Iterator[Json]:
    for source in link.sources:
        step, _, port = source.rpartition("/")
        node = f"{prefix}step:{step}" if step else f"{prefix}input:{port}"
        yield {
            "key": f"{node}/{port}>{target}/{link.id}",
            "from": {"node": node, "port": port},
            "to": {"node": target, "port": link.id},
        }


def _tool_to_json(step: Step) -> Json:
    if isinstance(step.run, Workflow):
        return {"kind": "Workflow", "name": step.run.id}
    return {
        "kind": step.run.kind,
        "name": step.run.id,
        **({"hint": hint} if (hint := get_step_kind(step)) else {}),
        **({"container": step.run.container} if step.run.container else {}),
    }


def _port_to_json(name: str, cwl_type: Json, label: str = "", doc: str = "") -> Json:
    return {
        "id": name,
        "type": cwl_type,
        **({"label": label} if label else {}),
        **({"doc": doc} if doc else {}),
    }


def _type_caption(cwl_type: Json) -> str:
    """Return a type in one line, with the name of a record or an enum."""
    if isinstance(cwl_type, str):
        return cwl_type
    if isinstance(cwl_type, list):
        return " | ".join(_type_caption(branch) for branch in cwl_type)
    if cwl_type.get("type") == "array":
        return f"({_type_caption(cwl_type['items'])})[]"
    return str(cwl_type.get("name") or cwl_type["type"])


_MAX_DEPTH = 20


@dataclass
class Positions:
    """The positions of a workflow's nodes by key (`input:x`, `step:x`, `output:x`), and of sub-workflows by step."""

    own: dict[str, dict[str, float]] = field(default_factory=dict)
    subworkflows: dict[str, Positions] = field(default_factory=dict)


def read_positions(path: Path, folder: Path, fragment: str = "", depth: int = 0) -> Positions:
    """Read the positions in a document below `folder`; empty if it cannot be read, as positions are optional."""
    real = os.path.realpath(path)
    if depth > _MAX_DEPTH or os.path.commonpath([real, os.path.realpath(folder)]) != os.path.realpath(folder):
        return Positions()
    try:
        document = load_shallow(read_text(path, path.name).text)
    except MlcraftError:
        return Positions()
    return _positions_of_process(_find_process(document, fragment), document, path, folder, depth)


def _positions_of_process(process: Any, document: Any, path: Path, folder: Path, depth: int) -> Positions:
    found = Positions()
    if not isinstance(process, dict):
        return found
    for kind, entries in (("input", "inputs"), ("output", "outputs"), ("step", "steps")):
        for entry in iter_entries(process.get(entries)):
            if position := _position(entry):
                found.own[f"{kind}:{entry['id']}"] = position
            if kind == "step":
                found.subworkflows[entry["id"]] = _positions_of_run(entry.get("run"), document, path, folder, depth + 1)
    return found


def _positions_of_run(run: Any, document: Any, path: Path, folder: Path, depth: int) -> Positions:
    if isinstance(run, dict):
        return _positions_of_process(run, document, path, folder, depth) if depth <= _MAX_DEPTH else Positions()
    if not isinstance(run, str) or ":" in run:
        return Positions()
    file, _, fragment = run.partition("#")
    if not file:
        process = _find_process(document, fragment) if depth <= _MAX_DEPTH else None
        return _positions_of_process(process, document, path, folder, depth)
    return read_positions(path.parent / file, folder, fragment, depth)


def _find_process(document: Any, fragment: str) -> Any:
    if fragment and isinstance(document, dict) and isinstance(document.get("$graph"), list):
        for process in iter_entries(document["$graph"]):
            if process["id"] == fragment:
                return process
    return find_main_process(document)


def _position(entry: dict[str, Any]) -> dict[str, float] | None:
    try:
        return {"x": float(entry["sbg:x"]), "y": float(entry["sbg:y"])}
    except (KeyError, TypeError, ValueError):
        return None
