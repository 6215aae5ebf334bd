"""The compiler: converts a loaded document to a plan, and each tool that it runs to a self-contained document."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag

from cwltool.process import Process, shortname
from cwltool.update import INTERNAL_VERSION, ORIGINAL_CWLVERSION
from cwltool.workflow import Workflow as CwltoolWorkflow
from cwltool.workflow import WorkflowStep

from airflow_mlcraft.cwl.errors.load_errors import readable_errors
from airflow_mlcraft.cwl.load import LoadedDocument
from airflow_mlcraft.cwl.nodes import in_document_order, to_builtin, to_list
from airflow_mlcraft.cwl.ontology import ONTOLOGY, extract_relations
from airflow_mlcraft.cwl.plan import Json, Link, Plan, Port, Step, ToolRef, Workflow, compiler_version, hash_json
from airflow_mlcraft.cwl.portable import PortableUris, is_generated_id
from airflow_mlcraft.cwl.sources import uri_to_path
from airflow_mlcraft.errors import DocumentError

HINT_NAMESPACE = "https://mlcraft.dev/cwl#"
CHOICES = "choices"
"""The field of an input that lists its values, under the prefix `mlcraft:`."""
_EXPRESSION_CLASSES = ("InlineJavascriptRequirement",)
_INTERFACE_FIELDS = ("class", "id", "inputs", "requirements", "hints", "cwlVersion")
_RESOURCE_FIELDS = ("coresMin", "coresMax", "ramMin", "ramMax", "tmpdirMin", "tmpdirMax", "outdirMin", "outdirMax")


def compile_document(loaded: LoadedDocument) -> tuple[Plan, dict[str, Json]]:
    """The plan, and the documents of its tools by digest."""
    with readable_errors(loaded.path, loaded.sources, loaded.fragment):
        return _Compiler(loaded).compile()


class _Compiler:
    def __init__(self, loaded: LoadedDocument):
        self.loaded = loaded
        self.tools: dict[str, Json] = {}
        files = [uri_to_path(uri) for uri in loaded.sources if uri.startswith("file:")]
        self.base = Path(os.path.commonpath([path.parent for path in files]))
        self.portable = PortableUris(self.base)

    def compile(self) -> tuple[Plan, dict[str, Json]]:
        process = self.loaded.process
        root = self._workflow(process) if isinstance(process, CwltoolWorkflow) else self._single_step_workflow(process)
        path, fragment = self.loaded.path, self.loaded.fragment
        draft = Plan(
            digest="",
            root=root,
            document=path.name + (f"#{fragment}" if fragment not in ("", "main") else ""),
            kind=str(process.tool["class"]),
            cwl_version=self.loaded.cwl_version,
            namespaces=to_builtin(process.metadata.get("$namespaces")) or None,
            file=os.path.relpath(path, self.base),
            base=str(self.base),
        )
        digest = hash_json([compiler_version(), draft.to_json(), sorted(self.tools)])
        return replace(draft, digest=digest), self.tools

    # Processes

    def _workflow(self, process: CwltoolWorkflow) -> Workflow:
        steps = {step.id: step for step in process.steps}
        names = _source_names(process)
        return Workflow(
            id=get_process_name(process),
            inputs=self._ports(process),
            outputs=tuple(self._output(to_builtin(port), names) for port in in_document_order(process.tool["outputs"])),
            steps=tuple(self._step(steps[step["id"]], names) for step in in_document_order(process.tool["steps"])),
            label=_joined_text(process.tool.get("label")),
            doc=_joined_text(process.tool.get("doc")),
            expression_requirements=self._expression_requirements(process),
            hints=self._mlcraft_hints(process.hints),
            interface=self._interface(process),
        )

    def _single_step_workflow(self, process: Process) -> Workflow:
        """A tool that is the whole document, as a workflow of one step with the same inputs and outputs."""
        name = get_process_name(process)
        ports = self._ports(process)
        outputs = tuple(shortname(port["id"]) for port in in_document_order(process.tool["outputs"]))
        step = Step(
            id=name,
            run=self._tool(process),
            links=tuple(Link(id=port.id, sources=(port.id,)) for port in ports),
            outputs=outputs,
            label=_joined_text(process.tool.get("label")),
            doc=_joined_text(process.tool.get("doc")),
            resources=self._resources(process),
            time_limit=self._time_limit(process),
            updates_in_place=_updates_in_place(process),
            hints=self._mlcraft_hints(process.hints),
        )
        return Workflow(
            id=name,
            inputs=ports,
            outputs=tuple(Link(id=output, sources=(f"{name}/{output}",)) for output in outputs),
            steps=(step,),
            label=step.label,
            doc=step.doc,
            hints={"Dag": step.hints["Dag"]} if "Dag" in (step.hints or {}) else None,
            interface=self._interface(process),
        )

    def _tool(self, process: Process) -> ToolRef:
        tool = process.tool
        document = {
            **to_builtin(tool),
            # The requirements of the enclosing workflows apply to it too.
            "requirements": to_builtin(process.requirements),
            "hints": [hint for hint in to_builtin(process.hints) if not _is_mlcraft_hint(hint)],
            ORIGINAL_CWLVERSION: process.metadata.get(ORIGINAL_CWLVERSION, self.loaded.cwl_version),
        }
        docker, _ = process.get_requirement("DockerRequirement")
        return ToolRef(
            digest=self._store_process(document, process),
            kind=str(tool["class"]),
            id=get_process_name(process),
            label=_joined_text(tool.get("label")),
            doc=_joined_text(tool.get("doc")),
            container=str((docker or {}).get("dockerPull") or (docker or {}).get("dockerImageId") or ""),
        )

    def _interface(self, process: Process) -> str:
        document = {field: to_builtin(process.tool[field]) for field in _INTERFACE_FIELDS if field in process.tool}
        return self._store_process(
            {
                **document,
                "class": "Workflow",
                "outputs": [],
                "steps": [],
                "requirements": to_builtin(process.requirements),
                "hints": [],
                "cwlVersion": INTERNAL_VERSION,
                ORIGINAL_CWLVERSION: process.metadata.get(ORIGINAL_CWLVERSION, self.loaded.cwl_version),
            },
            process,
        )

    def _store_process(self, document: Json, process: Process) -> str:
        graph = process.formatgraph
        if graph and any("format" in port for port in process.tool["inputs"]):
            document[ONTOLOGY] = self._store_document(extract_relations(graph))
        return self._store_document(self.portable.rewrite_document(document))

    def _store_document(self, document: Json) -> str:
        digest = hash_json(document)
        self.tools[digest] = document
        return digest

    # Steps and links

    def _step(self, step: WorkflowStep, names: Mapping[str, str]) -> Step:
        embedded, tool = step.embedded_tool, step.tool
        loop = tuple(self._loop_input(step, to_builtin(link)) for link in to_list(tool.get("loop")))
        return Step(
            id=shortname(tool["id"]),
            run=self._workflow(embedded) if isinstance(embedded, CwltoolWorkflow) else self._tool(embedded),
            links=tuple(self._input(to_builtin(link), names) for link in tool["inputs"]),
            outputs=tuple(shortname(port["id"]) for port in tool["outputs"]),
            label=_joined_text(tool.get("label")),
            doc=_joined_text(tool.get("doc")),
            scatter=tuple(shortname(name) for name in to_list(tool.get("scatter"))),
            scatter_method=tool.get("scatterMethod") or "",
            when=tool.get("when") or "",
            resources=self._resources(embedded),
            time_limit=self._time_limit(embedded),
            updates_in_place=_updates_in_place(embedded),
            hints=self._mlcraft_hints([*embedded.tool.get("hints", ()), *tool.get("hints", ())]),
            loop=loop,
            output_method=tool.get("outputMethod") or "last_iteration" if loop else "",
        )

    def _loop_input(self, step: WorkflowStep, link: Mapping[str, Json]) -> Link:
        name, sources = shortname(link["id"]), to_list(link.get("outputSource"))
        used = {
            "StepInputExpressionRequirement": "valueFrom" in link,
            "MultipleInputFeatureRequirement": len(sources) > 1,
        }
        for requirement, is_used in used.items():
            if is_used and step.get_requirement(requirement)[0] is None:
                raise DocumentError(
                    f"step {shortname(step.tool['id'])}: the loop's input {name} needs the requirement {requirement}; "
                    "add it to the workflow",
                    path=str(self.loaded.path),
                )
        return Link(
            id=name,
            sources=tuple(shortname(source) for source in sources),
            link_merge=link.get("linkMerge") or "",
            pick_value=link.get("pickValue") or "",
            default=self.portable.rewrite(link.get("default")),
            has_default="default" in link,
            value_from=link.get("valueFrom") or "",
        )

    def _input(self, link: Mapping[str, Json], names: Mapping[str, str]) -> Link:
        return Link(
            id=shortname(link["id"]),
            sources=tuple(names[source] for source in to_list(link.get("source"))),
            link_merge=link.get("linkMerge") or "",
            pick_value=link.get("pickValue") or "",
            default=self.portable.rewrite(link.get("default")),
            has_default="default" in link,
            value_from=link.get("valueFrom") or "",
            load_contents=bool(link.get("loadContents")),
            unbound=bool(link.get("not_connected")),
        )

    def _output(self, port: Mapping[str, Json], names: Mapping[str, str]) -> Link:
        return Link(
            id=shortname(port["id"]),
            sources=tuple(names[source] for source in to_list(port.get("outputSource"))),
            link_merge=port.get("linkMerge") or "",
            pick_value=port.get("pickValue") or "",
        )

    def _ports(self, process: Process) -> tuple[Port, ...]:
        return tuple(self._port(to_builtin(port)) for port in in_document_order(process.tool["inputs"]))

    def _port(self, port: Mapping[str, Json]) -> Port:
        return Port(
            id=shortname(port["id"]),
            type=self.portable.rewrite(port["type"]),
            label=_joined_text(port.get("label")),
            doc=_joined_text(port.get("doc")),
            default=self.portable.rewrite(port.get("default")),
            has_default="default" in port,
            format=self.portable.rewrite(port.get("format")),
            choices=self._choices(port),
        )

    def _choices(self, port: Mapping[str, Json]) -> Json:
        """The `mlcraft:choices` of an input.

        They are a list of texts rather than an enum type, because cwltool refuses an array of an enum that is not
        defined
        elsewhere.
        """
        choices = next((port[name] for name in (HINT_NAMESPACE + CHOICES, f"mlcraft:{CHOICES}") if name in port), None)
        if choices is not None and not (isinstance(choices, list) and all(isinstance(one, str) for one in choices)):
            raise DocumentError(
                f"mlcraft:{CHOICES} of input '{shortname(port['id'])}' is {choices!r}; expected a list of texts",
                path=str(self.loaded.path),
            )
        return choices or None

    # Requirements and hints

    def _expression_requirements(self, process: Process) -> Json:
        requirements = [to_builtin(req) for req in process.requirements if req["class"] in _EXPRESSION_CLASSES]
        return self.portable.rewrite(requirements) or None

    def _resources(self, process: Process) -> Json:
        requirement, _ = process.get_requirement("ResourceRequirement")
        fields = {name: (requirement or {}).get(name) for name in _RESOURCE_FIELDS}
        return {name: value for name, value in fields.items() if isinstance(value, (int, float))} or None

    def _time_limit(self, process: Process) -> float:
        requirement, _ = process.get_requirement("ToolTimeLimit")
        limit = (requirement or {}).get("timelimit", 0)
        return float(limit) if isinstance(limit, (int, float)) else 0.0

    def _mlcraft_hints(self, hints: Any) -> Json:
        """The `mlcraft:` hints by name; the last of a name overrides the others, as an inner hint does in CWL."""
        own = {}
        for hint in to_builtin(list(hints)):
            if _is_mlcraft_hint(hint):
                name = _hint_name(hint["class"])
                own[name] = {key: value for key, value in hint.items() if key != "class"}
        return self.portable.rewrite(own) or None


def _updates_in_place(process: Process) -> bool:
    requirement, _ = process.get_requirement("InplaceUpdateRequirement")
    return bool((requirement or {}).get("inplaceUpdate"))


def _is_mlcraft_hint(hint: Mapping[str, Json]) -> bool:
    name = str(hint.get("class", ""))
    return name.startswith((HINT_NAMESPACE, "mlcraft:"))


def _hint_name(name: str) -> str:
    return name.removeprefix(HINT_NAMESPACE).removeprefix("mlcraft:")


def get_process_name(process: Process) -> str:
    """The name of a process: its id, or its file's name; "" where cwltool generated the id."""
    uri, fragment = urldefrag(str(process.tool["id"]))
    if is_generated_id(fragment or uri):
        return ""
    return fragment.rpartition("/")[2] if fragment not in ("", "main") else Path(uri).stem


def _source_names(process: CwltoolWorkflow) -> dict[str, str]:
    """The name (`input` or `step/output`) of each URI that a link in this workflow may refer to."""
    names = {str(port["id"]): shortname(port["id"]) for port in process.tool["inputs"]}
    for step in process.steps:
        name = shortname(step.tool["id"])
        names.update({str(port["id"]): f"{name}/{shortname(port['id'])}" for port in step.tool["outputs"]})
    return names


def _joined_text(value: Json) -> str:
    return "\n".join(value) if isinstance(value, list) else str(value or "")
