"""The processes of a crate: workflows, steps and tools with their parameters, and the source of the document."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from rocrate.model import ContextEntity, Entity
from rocrate.rocrate import ROCrate

from airflow_mlcraft import settings
from airflow_mlcraft.common.cwl_types import local_name
from airflow_mlcraft.cwl.plan import Json, Plan, Step, ToolRef, Workflow
from airflow_mlcraft.layout.plan_cache import open_plan_cache
from airflow_mlcraft.provenance.parameters import (
    OutputTypes,
    ParameterType,
    add_parameter,
    file_id,
    get_named_types,
    part_id,
    process_id,
    short_name,
    to_parameter_type,
)

Steps = tuple[str, ...]
"""The path of steps to a process, from the outermost."""


class Processes:
    """The processes of a plan as entities, each added once."""

    def __init__(self, crate: ROCrate, plan: Plan, main: str, folder: Path):
        self._crate = crate
        self._plan = plan
        self._main = file_id(main)
        self._folder = folder
        self._tools: dict[str, Json] = {}
        self._ids_of_nameless: dict[str, str] = {}
        self._executed: Collection[str] = ()
        self._connections = 0

    def add(self, executed: Iterable[tuple[ToolRef | Workflow, Steps]]) -> None:
        """Add all processes; `executed` are those with an execution."""
        self._read_tools(self._plan.root, ())
        self._executed = {self.id_of(process, steps) for process, steps in executed}
        root: ToolRef | Workflow = self._plan.root
        if self._plan.kind != "Workflow":
            root = self._plan.root.steps[0].run
        self._crate.mainEntity = self._add_process(root, ())

    def id_of(self, process: ToolRef | Workflow, steps: Steps) -> str:
        """Return the id of a process; one without a name gets the id of the first step that runs it."""
        if not steps or self._plan.kind != "Workflow":
            return self._main
        digest = process.digest if isinstance(process, ToolRef) else process.interface
        if named := process_id(str(open_plan_cache().tool(digest)["id"])):
            return named
        id_of_step = part_id(self._main, *(word for step in steps for word in ("steps", step)), "run")
        # Tools with one digest are equal; workflows with equal interfaces may differ.
        return self._ids_of_nameless.setdefault(digest, id_of_step) if isinstance(process, ToolRef) else id_of_step

    def step_id(self, parent: Workflow, steps: Steps) -> str:
        """Return the id of the step at the end of a path of steps."""
        return part_id(self.id_of(parent, steps[:-1]), "steps", steps[-1])

    def parameter(self, process: str, kind: str, name: str) -> Entity | None:
        """Return a parameter (`inputs` or `outputs`) of the process with an id, or None."""
        found: Entity | None = self._crate.get(part_id(process, kind, name))
        return found

    def _read_tools(self, workflow: Workflow, steps: Steps) -> None:
        for step in workflow.steps:
            if isinstance(step.run, ToolRef):
                self._tools[step.run.digest] = open_plan_cache().tool(step.run.digest)
                # Assigns ids to tools without names in the order of the document, not of execution.
                self.id_of(step.run, (*steps, step.id))
            else:
                self._read_tools(step.run, (*steps, step.id))

    # Processes

    def _add_process(self, process: ToolRef | Workflow, steps: Steps) -> Entity:
        identifier = self.id_of(process, steps)
        existing: Entity | None = self._crate.get(identifier)
        if existing is not None:
            return existing
        if isinstance(process, ToolRef):
            return self._add_tool(process, identifier)
        return self._add_workflow(process, steps, identifier)

    def _add_tool(self, tool: ToolRef, identifier: str) -> Entity:
        entity = self._add_entity(identifier, ["SoftwareApplication"], tool)
        document = self._tools[tool.digest]
        named = get_named_types(document)
        for kind in ("inputs", "outputs"):
            for port in document[kind]:
                parameter_type = to_parameter_type(port["type"], named)
                add_parameter(
                    self._crate, entity, kind, short_name(port["id"]), parameter_type=parameter_type, fields=port
                )
        return entity

    def _add_workflow(self, workflow: Workflow, steps: Steps, identifier: str) -> Entity:
        inner = {step.id: (*steps, step.id) for step in workflow.steps}
        executed_steps = [step for step in workflow.steps if self.id_of(step.run, inner[step.id]) in self._executed]
        # The profile allows only workflows in which a tool ran; the document itself is one in any case.
        is_workflow = bool(executed_steps) or not steps
        types = [
            "SoftwareSourceCode",
            *(["ComputationalWorkflow"] if is_workflow else []),
            *(["HowTo"] if executed_steps else []),
        ]
        entity = self._add_entity(identifier, types, workflow)
        named = get_named_types(open_plan_cache().tool(workflow.interface))
        for port in workflow.inputs:
            fields = {"doc": port.doc, "default": port.default, "format": port.format}
            parameter_type = to_parameter_type(port.type, named)
            add_parameter(self._crate, entity, "inputs", port.id, parameter_type=parameter_type, fields=fields)
        outputs = OutputTypes(workflow, named, {digest: _output_types(tool) for digest, tool in self._tools.items()})
        for link in workflow.outputs:
            add_parameter(
                self._crate, entity, "outputs", link.id, parameter_type=outputs.parameter_type(link), fields={}
            )
        if executed_steps:
            parts = [self._add_process(step.run, inner[step.id]) for step in executed_steps]
            entity["hasPart"] = list({part.id: part for part in parts}.values())
            self._add_steps(entity, workflow, inner)
            self._add_connections(entity, workflow, inner)
        return entity

    def _add_entity(self, identifier: str, types: list[str], process: ToolRef | Workflow) -> Entity:
        text = process.doc or process.label
        properties: dict[str, Any] = {"name": process.label or process.id or identifier.rpartition("/")[2]}
        properties |= {"description": text} if text else {}
        if "SoftwareSourceCode" in types:
            properties["programmingLanguage"] = self._add_language()
        path = unquote(identifier)
        file = self._folder / path
        if "#" in identifier or not file.is_file():
            return self._crate.add(ContextEntity(self._crate, identifier, properties={"@type": types, **properties}))
        properties |= {"@type": ["File", *types], "encodingFormat": "application/cwl"}
        if "ComputationalWorkflow" not in types:
            return self._crate.add_file(file, path, properties=properties)
        version, main = self._plan.cwl_version, identifier == self._main
        return self._crate.add_workflow(file, path, properties=properties, main=main, lang="cwl", lang_version=version)

    def _add_language(self) -> Entity:
        from rocrate.model.computerlanguage import cwl

        language = cwl(self._crate, version=self._plan.cwl_version)
        return self._crate.get(language.id) or self._crate.add(language)

    # Steps and the connections between them

    def _add_steps(self, owner: Entity, workflow: Workflow, inner: dict[str, Steps]) -> None:
        for position, step in enumerate(_sort_by_dependencies(workflow)):
            properties = {
                "@type": "HowToStep",
                "name": step.label or step.id,
                **({"description": step.doc} if step.doc else {}),
                "position": str(position),
                "workExample": self._add_process(step.run, inner[step.id]),
            }
            entity = self._crate.add(
                ContextEntity(self._crate, self.step_id(workflow, inner[step.id]), properties=properties)
            )
            owner.append_to("step", entity)

    def _add_connections(self, owner: Entity, workflow: Workflow, inner: dict[str, Steps]) -> None:
        runs = {step.id: self.id_of(step.run, inner[step.id]) for step in workflow.steps}

        def find_parameter(source: str) -> Entity | None:
            step, _, name = source.rpartition("/")
            return self.parameter(runs[step], "outputs", name) if step else self.parameter(owner.id, "inputs", name)

        for link in workflow.outputs:
            self._connect(owner, map(find_parameter, link.sources), self.parameter(owner.id, "outputs", link.id))
        for step in workflow.steps:
            entity = self._crate.get(self.step_id(workflow, inner[step.id]))
            for link in step.links:
                self._connect(
                    entity, map(find_parameter, link.sources), self.parameter(runs[step.id], "inputs", link.id)
                )

    def _connect(self, owner: Entity, sources: Iterable[Entity | None], target: Entity | None) -> None:
        for source in sources:
            if source is None or target is None:
                # An input that only expressions of the step use has no parameter.
                continue
            properties = {"@type": "ParameterConnection", "sourceParameter": source, "targetParameter": target}
            self._connections += 1
            identifier = f"#connection/{self._connections}"
            connection = self._crate.add(ContextEntity(self._crate, identifier, properties=properties))
            owner.append_to("connection", connection)


def _output_types(tool: Json) -> dict[str, ParameterType]:
    named = get_named_types(tool)
    return {short_name(port["id"]): to_parameter_type(port["type"], named) for port in tool["outputs"]}


def _sort_by_dependencies(workflow: Workflow) -> list[Step]:
    """Return the steps in topological order: each after the steps that it depends on."""
    order: TopologicalSorter[str] = TopologicalSorter()
    for step in workflow.steps:
        sources = {source.rpartition("/")[0] for link in step.links for source in link.sources}
        order.add(step.id, *sorted(sources - {""}))
    return [workflow.step(step_id) for step_id in order.static_order()]


_LICENSE_FIELDS = ("https://schema.org/license", "http://schema.org/license")
_SECRETS_REQUIREMENT = "http://commonwl.org/cwltool#Secrets"


@dataclass(frozen=True)
class Source:
    """The files of a document by path relative to their common folder."""

    main: str
    texts: Mapping[str, str]
    license: str
    secrets: frozenset[str]
    """The names of the inputs whose values are secret."""


def read_source(document: str, folder: str) -> Source:
    """Read a document (`path` or `path#id`), whose files are all below a folder. Raises `DocumentError`."""
    from airflow_mlcraft.cwl.load import load
    from airflow_mlcraft.cwl.sources import uri_to_path

    path, _, fragment = document.partition("#")
    loaded = load(Path(path), fragment, allowed_hosts=settings.get_list("allowed_document_hosts"))
    base = Path(folder)
    # Files from the network are not copied; the crate has their URL.
    local = {uri_to_path(uri): text for uri, text in loaded.sources.items() if uri.startswith("file:")}
    secrets_requirement: Any = loaded.process.get_requirement(_SECRETS_REQUIREMENT)[0] or {}
    return Source(
        main=Path(path).absolute().relative_to(base).as_posix(),
        texts={file.relative_to(base).as_posix(): text for file, text in local.items()},
        license=_get_license(loaded.process.tool),
        secrets=frozenset(local_name(name) for name in secrets_requirement.get("secrets", ())),
    )


def _get_license(tool: Mapping[str, Any]) -> str:
    return next((str(tool[name]) for name in _LICENSE_FIELDS if tool.get(name)), "")
