"""A Workflow in Composer's form. The caller writes what its steps run into files of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from cwltool.process import Process, shortname
from cwltool.workflow import Workflow as CwltoolWorkflow
from cwltool.workflow import WorkflowStep

from airflow_mlcraft.cwl.composer.losses import Losses
from airflow_mlcraft.cwl.composer.names import Names, is_extension, short_id, to_valid_ids
from airflow_mlcraft.cwl.composer.requirements import JAVASCRIPT, RequirementWriter, effective_requirements
from airflow_mlcraft.cwl.composer.tool import label_and_doc, secondary_files
from airflow_mlcraft.cwl.composer.types import TypeWriter, is_union
from airflow_mlcraft.cwl.drawing.graph import build_graph
from airflow_mlcraft.cwl.drawing.layout import Spacing, lay_out
from airflow_mlcraft.cwl.nodes import in_document_order, to_builtin, to_list
from airflow_mlcraft.cwl.plan import Json, Workflow

WriteRun = Callable[[WorkflowStep], str]
"""A function that writes the process of a step, and returns its path."""

_STEP_FIELDS = {"id", "in", "out", "run", "scatter", "scatterMethod", "label", "doc", "requirements", "hints"}
_CWLTOOL_FIELDS = {"inputs", "outputs"}
_LINK_FIELDS = {"id", "source", "default", "valueFrom", "linkMerge"}
_INPUT_FIELDS = {"id", "type", "label", "doc", "streamable", "format", "default", "inputBinding", "secondaryFiles"}
_OUTPUT_FIELDS = {"id", "type", "label", "doc", "streamable", "format", "outputSource", "linkMerge", "secondaryFiles"}
_WORKFLOW_FIELDS = {
    "class", "id", "label", "doc", "cwlVersion", "inputs", "outputs", "steps", "requirements", "hints", "$namespaces",
    "$schemas",
}  # fmt: skip


def get_port_names(process: Process) -> tuple[dict[str, str], dict[str, str]]:
    """The names of the inputs and outputs of a process in Composer's form; a tool's keep theirs."""
    sides = []
    for side in ("inputs", "outputs"):
        names = [short_id(str(port["id"])) for port in in_document_order(process.tool[side])]
        sides.append(to_valid_ids(names) if isinstance(process, CwltoolWorkflow) else {name: name for name in names})
    return sides[0], sides[1]


class WorkflowForm:
    """Writes one workflow."""

    def __init__(self, process: CwltoolWorkflow, positions: Positions, names: Names, losses: Losses, run_of: WriteRun):
        self._process = process
        self._positions = positions
        self._names = names
        self._losses = losses
        self._write_run = run_of
        self._types = TypeWriter(process, names, losses)
        self._inputs, self._outputs = get_port_names(process)
        self._order = {str(step["id"]): number for number, step in enumerate(in_document_order(process.tool["steps"]))}
        self._steps = to_valid_ids([shortname(step) for step in self._order])
        self._sources = self._source_names()
        self._has_positions = self._find_positions()
        self._library: dict[str, Json] = {}

    def fields(self) -> dict[str, Json]:
        """The fields other than those that every process has."""
        tool = self._process.tool
        for field in tool:
            if field not in _WORKFLOW_FIELDS and not is_extension(field):
                self._losses.add(
                    f"{field} is a field of CWL v1.2, which Composer does not know",
                    tool,
                    field,
                    harmless=field == "intent",
                )
        fields: dict[str, Json] = {
            "inputs": [self._input(port) for port in in_document_order(tool["inputs"])],
            "outputs": [self._output(port) for port in in_document_order(tool["outputs"])],
            "steps": [self._step(step) for step in self._steps_in_order()],
        }
        if hints := RequirementWriter(self._names, self._losses).workflow_hints(self._process):
            fields["hints"] = hints
        features = self._features(fields["steps"])
        if self._library:
            # Composer removes it when it saves the document for the second time.
            features += [{"class": JAVASCRIPT, **{key: item for key, item in self._library.items() if key != "class"}}]
        if features:
            fields["requirements"] = features
        return fields

    def _steps_in_order(self) -> list[WorkflowStep]:
        return sorted(self._process.steps, key=lambda step: self._order.get(str(step.id), 0))

    def _input(self, port: Mapping[str, Any]) -> Json:
        name = short_id(str(port["id"]))
        self._check_fields(port, _INPUT_FIELDS, f"of the input {name}")
        fields: dict[str, Json] = {"id": self._inputs[name], "type": self._types.port_type(name, port["type"])}
        if is_union(fields["type"]):
            self._losses.add(
                f"the input {name} takes several types, and Composer loses the types", port, "type", harmless=True
            )
        fields.update(label_and_doc(port))
        for field in ("default", "streamable", "inputBinding"):
            if port.get(field) is not None:
                fields[field] = self._names.value(port[field])
        return {**fields, **self._files(port, required_by_default=True), **self._position_fields("input", name, port)}

    def _output(self, port: Mapping[str, Any]) -> Json:
        name = short_id(str(port["id"]))
        self._check_pick_value(port, f"of the output {name}")
        self._check_fields(port, _OUTPUT_FIELDS | {"pickValue"}, f"of the output {name}")
        fields: dict[str, Json] = {"id": self._outputs[name], "type": self._types.port_type(name, port["type"])}
        fields.update(label_and_doc(port))
        if port.get("outputSource"):
            fields["outputSource"] = [self._sources[str(source)] for source in to_list(port["outputSource"])]
        for field in ("linkMerge", "streamable"):
            if port.get(field):
                fields[field] = self._names.value(port[field])
        return {**fields, **self._files(port, required_by_default=False), **self._position_fields("output", name, port)}

    def _files(self, port: Mapping[str, Any], *, required_by_default: bool) -> dict[str, Json]:
        fields: dict[str, Json] = {}
        if port.get("format"):
            formats = [self._names.compact(str(each)) for each in to_list(port["format"])]
            fields["format"] = formats if isinstance(port["format"], list) else formats[0]
        if port.get("secondaryFiles"):
            fields["secondaryFiles"] = secondary_files(
                port, port["secondaryFiles"], self._losses, required_by_default=required_by_default
            )
        return fields

    def _step(self, step: WorkflowStep) -> Json:
        tool, name = step.tool, shortname(str(step.id))
        if tool.get("when"):
            self._losses.add(
                f"when of the step {name}: Composer knows CWL v1.0, which has no conditions", tool, "when", step=name
            )
        for field in tool:
            if field not in _STEP_FIELDS | _CWLTOOL_FIELDS | {"when"} and not is_extension(field):
                self._losses.add(f"{field} of the step {name} is not in CWL v1.0", tool, field, step=name)
        inner = step.embedded_tool
        inputs, outputs = get_port_names(inner)
        links = {short_id(str(link["id"])): link for link in tool["in"]}
        for link in [] if tool.get("when") else sorted(links.keys() - inputs.keys()):
            self._losses.add(
                f"the step {name} has an input {link} that its tool does not have, which Composer drops",
                links[link],
                step=name,
                around=tool,
                harmless=not _may_use_input(tool, link),
            )
        fields: dict[str, Json] = {"id": self._steps[name], **label_and_doc(tool)}
        fields.setdefault("label", str(inner.tool.get("label") or ""))
        if not fields["label"]:
            del fields["label"]
        fields["run"] = self._write_run(step)
        links_in = [self._link(links[port], inputs[port], name) for port in inputs if port in links]
        fields["in"] = [link for link in links_in if len(link) > 1]
        fields["out"] = [{"id": output} for output in outputs.values()]
        if scatter := to_list(tool.get("scatter")):
            fields["scatter"] = [inputs.get(short_id(str(port)), short_id(str(port))) for port in scatter]
        if tool.get("scatterMethod"):
            fields["scatterMethod"] = str(tool["scatterMethod"])
        if hints := RequirementWriter(self._names, self._losses).step_hints(tool.get("hints") or [], self._process):
            fields["hints"] = hints
        return {**fields, **self._position_fields("step", name, tool)}

    def _link(self, link: Mapping[str, Any], name: str, step: str) -> dict[str, Json]:
        self._check_pick_value(link, f"of {name} in the step {step}", step)
        for field in link:
            if field not in _LINK_FIELDS | {"pickValue"} and not is_extension(field) and link[field]:
                self._losses.add(f"{field} of {name} in the step {step} is not in CWL v1.0", link, field, step=step)
        fields: dict[str, Json] = {"id": name}
        sources = [self._sources[str(source)] for source in to_list(link.get("source"))]
        if link.get("linkMerge"):
            fields["linkMerge"] = str(link["linkMerge"])
        if link.get("default") is not None:
            fields["default"] = self._names.value(link["default"])
        if sources:
            fields["source"] = sources
        if link.get("valueFrom"):
            self._check_library(link, name, step)
            fields["valueFrom"] = str(link["valueFrom"])
        return {**fields, **self._names.extras(link)}

    def _position_fields(self, kind: str, name: str, node: Mapping[str, Any]) -> dict[str, Json]:
        extras = self._names.extras(node)
        position = (extras.pop(X, None), extras.pop(Y, None))
        x, y = (
            (round(position[0] or 0), round(position[1] or 0)) if self._has_positions else self._positions[kind, name]
        )
        return {**extras, X: x, Y: y}

    def _find_positions(self) -> bool:
        tool = self._process.tool
        nodes = [*tool["inputs"], *tool["outputs"], *(step.tool for step in self._process.steps)]
        extras = [self._names.extras(node) for node in nodes]
        return all(isinstance(each.get(key), (int, float)) for each in extras for key in (X, Y))

    def _features(self, steps: list[Json]) -> list[Json]:
        """The feature requirements as Composer derives them, in its order."""
        has_several_sources = any(len(link.get("source", ())) > 1 for step in steps for link in step["in"])
        features = {
            "SubworkflowFeatureRequirement": any(
                isinstance(step.embedded_tool, CwltoolWorkflow) for step in self._process.steps
            ),
            "ScatterFeatureRequirement": any(step.get("scatter") for step in steps),
            "MultipleInputFeatureRequirement": has_several_sources,
        }
        return [{"class": name} for name, needed in features.items() if needed]

    def _source_names(self) -> dict[str, str]:
        names = {str(port["id"]): self._inputs[short_id(str(port["id"]))] for port in self._process.tool["inputs"]}
        for step in self._process.steps:
            _, outputs = get_port_names(step.embedded_tool)
            for port in step.tool["outputs"]:
                name = short_id(str(port["id"]))
                names[str(port["id"])] = f"{self._steps[shortname(str(step.id))]}/{outputs.get(name, name)}"
        return names

    def _check_pick_value(self, node: Mapping[str, Any], where: str, step: str = "") -> None:
        if node.get("pickValue"):
            self._losses.add(
                f"pickValue {where}: Composer knows CWL v1.0, which has no choice among values",
                node,
                "pickValue",
                step=step,
            )

    def _check_fields(self, node: Mapping[str, Any], known: set[str], where: str) -> None:
        for field in node:
            if field not in known and not is_extension(field) and node[field]:
                self._losses.add(f"{field} {where} is not in CWL v1.0", node, field)

    def _check_library(self, link: Mapping[str, Any], name: str, step: str) -> None:
        javascript = effective_requirements(self._process).get(JAVASCRIPT) or {}
        if javascript.get("expressionLib"):
            self._losses.add(
                f"valueFrom of {name} in the step {step} may use the expressionLib of the workflow, which Composer "
                "loses; put the functions into the expression",
                link,
                "valueFrom",
                step=step,
                harmless=True,
            )
            self._library = to_builtin(javascript)


def _may_use_input(step: Mapping[str, Any], link: str) -> bool:
    """Whether an expression of a step may read an input that its tool does not declare."""
    texts = [str(step.get("when") or ""), *(str(each.get("valueFrom") or "") for each in step["in"])]
    return any(link in text or re.search(r"inputs\s*[\[)},;]", text) is not None for text in texts)


X, Y = "sbg:x", "sbg:y"
_COLUMN, _ROW = 300, 130
_SPACING = Spacing(gap=30, bend=20)
_BREADTH = 100.0

Positions = dict[tuple[str, str], tuple[int, int]]
"""By kind ("input", "step", "output") and id."""


def compute_positions(workflow: Workflow) -> Positions:
    """Positions of the nodes: columns from left to right, unconnected parts one below the other."""
    graph = build_graph(workflow)
    pairs = [(edge.source, edge.target) for edge in graph.edges]
    positions: Positions = {}
    top = 0.0
    for layout in lay_out([_BREADTH] * len(graph.nodes), pairs, _SPACING):
        for rank, layer in enumerate(layout.layers):
            for cell in layer:
                if cell.node is not None:
                    node = graph.nodes[cell.node]
                    positions[node.kind, node.id] = (rank * _COLUMN, round(top + cell.at))
        top += layout.breadth + _ROW
    return positions
