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
"""The steps that lead to a process, from the outermost."""


class Processes:
    """The processes of a plan as entities, each added once."""

    def __init__(self, crate: ROCrate, plan: Plan, main: str, folder: Path):
        self._crate = crate
        self._plan = plan
        self._main = file_id(main)
        self._folder = folder
        self._tools: dict[str, Json] = {}
        self._nameless: dict[str, str] = {}
        self._ran: Collection[str] = ()
        self._connections = 0

    def add(self, ran: Iterable[tuple[ToolRef | Workflow, Steps]]) -> None:
        """Add all processes; `ran` are those with an execution."""
        self._read_tools(self._plan.root, ())
        self._ran = {self.id_of(process, steps) for process, steps in ran}
        root: ToolRef | Workflow = self._plan.root
        if self._plan.kind != "Workflow":
            root = self._plan.root.steps[0].run
        self._crate.mainEntity = self._process(root, ())

    def id_of(self, process: ToolRef | Workflow, steps: Steps) -> str:
        """The id of a process; one without a name gets the id of the first step that runs it."""
        if not steps or self._plan.kind != "Workflow":
            return self._main
        digest = process.digest if isinstance(process, ToolRef) else process.interface
        if named := process_id(str(open_plan_cache().tool(digest)["id"])):
            return named
        by_place = part_id(self._main, *(word for step in steps for word in ("steps", step)), "run")
        # Two workflows may look alike from outside; tools of one digest are one.
        return self._nameless.setdefault(digest, by_place) if isinstance(process, ToolRef) else by_place

    def step_id(self, around: Workflow, steps: Steps) -> str:
        """The id of the step that a path of steps ends with."""
        return part_id(self.id_of(around, steps[:-1]), "steps", steps[-1])

    def parameter(self, process: str, kind: str, name: str) -> Entity | None:
        """A parameter (`inputs` or `outputs`) of the process with that id."""
        found: Entity | None = self._crate.get(part_id(process, kind, name))
        return found

    def _read_tools(self, workflow: Workflow, steps: Steps) -> None:
        for step in workflow.steps:
            if isinstance(step.run, ToolRef):
                self._tools[step.run.digest] = open_plan_cache().tool(step.run.digest)
                # The names of nameless tools follow the document, not what happened to run first.
                self.id_of(step.run, (*steps, step.id))
            else:
                self._read_tools(step.run, (*steps, step.id))

    # Processes

    def _process(self, process: ToolRef | Workflow, steps: Steps) -> Entity:
        identifier = self.id_of(process, steps)
        known: Entity | None = self._crate.get(identifier)
        if known is not None:
            return known
        if isinstance(process, ToolRef):
            return self._tool(process, identifier)
        return self._workflow(process, steps, identifier)

    def _tool(self, tool: ToolRef, identifier: str) -> Entity:
        entity = self._entity(identifier, ["SoftwareApplication"], tool)
        document = self._tools[tool.digest]
        named = get_named_types(document)
        for kind in ("inputs", "outputs"):
            for port in document[kind]:
                takes = to_parameter_type(port["type"], named)
                add_parameter(self._crate, entity, kind, short_name(port["id"]), takes=takes, facts=port)
        return entity

    def _workflow(self, workflow: Workflow, steps: Steps, identifier: str) -> Entity:
        inner = {step.id: (*steps, step.id) for step in workflow.steps}
        runs = [step for step in workflow.steps if self.id_of(step.run, inner[step.id]) in self._ran]
        # The profile has no workflow without a tool that ran; the document itself is one in any case.
        whole = bool(runs) or not steps
        types = ["SoftwareSourceCode", *(["ComputationalWorkflow"] if whole else []), *(["HowTo"] if runs else [])]
        entity = self._entity(identifier, types, workflow)
        named = get_named_types(open_plan_cache().tool(workflow.interface))
        for port in workflow.inputs:
            facts = {"doc": port.doc, "default": port.default, "format": port.format}
            takes = to_parameter_type(port.type, named)
            add_parameter(self._crate, entity, "inputs", port.id, takes=takes, facts=facts)
        outputs = OutputTypes(workflow, named, {digest: _output_types(tool) for digest, tool in self._tools.items()})
        for link in workflow.outputs:
            add_parameter(self._crate, entity, "outputs", link.id, takes=outputs.parameter_type(link), facts={})
        if runs:
            parts = [self._process(step.run, inner[step.id]) for step in runs]
            entity["hasPart"] = list({part.id: part for part in parts}.values())
            self._add_steps(entity, workflow, inner)
            self._add_connections(entity, workflow, inner)
        return entity

    def _entity(self, identifier: str, types: list[str], process: ToolRef | Workflow) -> Entity:
        text = process.doc or process.label
        properties: dict[str, Any] = {"name": process.label or process.id or identifier.rpartition("/")[2]}
        properties |= {"description": text} if text else {}
        if "SoftwareSourceCode" in types:
            properties["programmingLanguage"] = self._language()
        path = unquote(identifier)
        file = self._folder / path
        if "#" in identifier or not file.is_file():
            return self._crate.add(ContextEntity(self._crate, identifier, properties={"@type": types, **properties}))
        properties |= {"@type": ["File", *types], "encodingFormat": "application/cwl"}
        if "ComputationalWorkflow" not in types:
            return self._crate.add_file(file, path, properties=properties)
        version, main = self._plan.cwl_version, identifier == self._main
        return self._crate.add_workflow(file, path, properties=properties, main=main, lang="cwl", lang_version=version)

    def _language(self) -> Entity:
        from rocrate.model.computerlanguage import cwl

        language = cwl(self._crate, version=self._plan.cwl_version)
        return self._crate.get(language.id) or self._crate.add(language)

    # Steps and what flows between them

    def _add_steps(self, owner: Entity, workflow: Workflow, inner: dict[str, Steps]) -> None:
        for position, step in enumerate(_sort_by_dependencies(workflow)):
            properties = {
                "@type": "HowToStep",
                "name": step.label or step.id,
                **({"description": step.doc} if step.doc else {}),
                "position": str(position),
                "workExample": self._process(step.run, inner[step.id]),
            }
            entity = self._crate.add(
                ContextEntity(self._crate, self.step_id(workflow, inner[step.id]), properties=properties)
            )
            owner.append_to("step", entity)

    def _add_connections(self, owner: Entity, workflow: Workflow, inner: dict[str, Steps]) -> None:
        runs = {step.id: self.id_of(step.run, inner[step.id]) for step in workflow.steps}

        def read_source(source: str) -> Entity | None:
            step, _, name = source.rpartition("/")
            return self.parameter(runs[step], "outputs", name) if step else self.parameter(owner.id, "inputs", name)

        for link in workflow.outputs:
            self._connect(owner, map(read_source, link.sources), self.parameter(owner.id, "outputs", link.id))
        for step in workflow.steps:
            entity = self._crate.get(self.step_id(workflow, inner[step.id]))
            for link in step.links:
                self._connect(entity, map(read_source, link.sources), self.parameter(runs[step.id], "inputs", link.id))

    def _connect(self, owner: Entity, sources: Iterable[Entity | None], target: Entity | None) -> None:
        for source in sources:
            if source is None or target is None:
                # An input of a step that only its expressions read.
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
    """The steps in topological order: each after the steps that it takes values from."""
    order: TopologicalSorter[str] = TopologicalSorter()
    for step in workflow.steps:
        sources = {source.rpartition("/")[0] for link in step.links for source in link.sources}
        order.add(step.id, *sorted(sources - {""}))
    return [workflow.step(step_id) for step_id in order.static_order()]


_LICENSE_FIELDS = ("https://schema.org/license", "http://schema.org/license")
_SECRETS_REQUIREMENT = "http://commonwl.org/cwltool#Secrets"


@dataclass(frozen=True)
class Source:
    """A document's files by path, relative to the folder they have in common."""

    main: str
    texts: Mapping[str, str]
    license: str
    secrets: frozenset[str]
    """The inputs whose values are secret."""


def read_source(document: str, folder: str) -> Source:
    """Read a document (`path` or `path#id`), whose files are all below a folder. Raises `DocumentError`."""
    from airflow_mlcraft.cwl.load import load
    from airflow_mlcraft.cwl.sources import uri_to_path

    path, _, fragment = document.partition("#")
    loaded = load(Path(path), fragment, allowed_hosts=settings.get_list("allowed_document_hosts"))
    base = Path(folder)
    # What was read from the network has its address in the crate, and stays where it is.
    local = {uri_to_path(uri): text for uri, text in loaded.sources.items() if uri.startswith("file:")}
    hidden: Any = loaded.process.get_requirement(_SECRETS_REQUIREMENT)[0] or {}
    return Source(
        main=Path(path).absolute().relative_to(base).as_posix(),
        texts={file.relative_to(base).as_posix(): text for file, text in local.items()},
        license=_get_license(loaded.process.tool),
        secrets=frozenset(local_name(name) for name in hidden.get("secrets", ())),
    )


def _get_license(tool: Mapping[str, Any]) -> str:
    return next((str(tool[name]) for name in _LICENSE_FIELDS if tool.get(name)), "")
