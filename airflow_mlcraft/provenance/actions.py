"""The actions of a crate: executions of the workflow, its steps and tools, and the engine that ran them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from typing import Any

from rocrate.model import ContextEntity, Entity, Person, SoftwareApplication
from rocrate.rocrate import ROCrate

from airflow_mlcraft import __version__
from airflow_mlcraft.cwl.plan import Json, Workflow
from airflow_mlcraft.provenance.data import Data
from airflow_mlcraft.provenance.history import Execution
from airflow_mlcraft.provenance.parameters import part_id
from airflow_mlcraft.provenance.processes import Processes

_COMPLETED = "http://schema.org/CompletedActionStatus"
_FAILED = "http://schema.org/FailedActionStatus"


class Actions:
    """Adds an action to the crate for each execution."""

    def __init__(self, crate: ROCrate, processes: Processes, data: Data, redacted_texts: Iterable[str]):
        self._crate = crate
        self._processes = processes
        self._data = data
        self._redacted_texts = tuple(redacted_texts)
        """Texts to remove from error messages: folders of this machine, and secrets."""
        self._agent = _add_agent(crate)

    def add(self, run: Execution, document: str, engine: Entity) -> None:
        """Add the action of the run, and the action of the engine."""
        action = self._add_execution(run, document)
        steps = list(self._add_steps(run))
        self._crate.add_action(
            engine,
            "#engine",
            object=steps,
            result=action,
            properties={
                "@type": "OrganizeAction",
                "name": f"Run of {engine['name']} {engine['version']}",
                **self._status_properties(run),
            },
        )

    def _add_execution(self, execution: Execution, document: str) -> Entity:
        identifier = part_id("#run", execution.name) if execution.name else "#run"
        process = self._processes.id_of(execution.process, execution.steps)
        title = f"{document}: {execution.name}" if execution.name else document
        action = self._crate.add_action(
            self._crate.get(process),
            identifier,
            object=self._add_values(identifier, process, "inputs", execution.inputs),
            result=self._add_values(identifier, process, "outputs", execution.outputs),
            properties={
                "name": f"Run of {title}",
                "description": _describe(execution),
                **self._status_properties(execution),
            },
        )
        self._crate.root_dataset.append_to("mentions", action)
        for executions in execution.children.values():
            for inner in executions:
                self._add_execution(inner, document)
        return action

    def _add_values(self, action: str, process: str, kind: str, values: Mapping[str, Json]) -> list[Entity]:
        # Names are quoted and have no colon, so ids are unique for any names of steps.
        owner = f"#{kind}:{action.removeprefix('#')}:"
        found = [
            entity
            for name, value in values.items()
            for entity in self._data.add_value(owner, name, value, self._processes.parameter(process, kind, name))
        ]
        return list({entity.id: entity for entity in found}.values())

    def _add_steps(self, run: Execution) -> Iterator[Entity]:
        """Add one action for each time that a step ran, with all items of its scatter."""
        if not isinstance(run.process, Workflow):
            return
        for step, executions in run.children.items():
            name = f"{run.name}/{step}" if run.name else step
            steps = executions[0].steps
            failed = any(execution.failed for execution in executions)
            properties = {
                "@type": "ControlAction",
                "name": f"Step {name}",
                "instrument": self._crate.get(self._processes.step_id(run.process, steps)),
                "object": [self._crate.get(part_id("#run", execution.name)) for execution in executions],
                "actionStatus": _FAILED if failed else _COMPLETED,
            }
            yield self._crate.add(ContextEntity(self._crate, part_id("#step", name), properties=properties))
            for execution in executions:
                yield from self._add_steps(execution)

    def _status_properties(self, execution: Execution) -> dict[str, Any]:
        properties: dict[str, Any] = {"actionStatus": _FAILED if execution.failed else _COMPLETED}
        if execution.started is not None:
            properties["startTime"] = execution.started.isoformat(timespec="milliseconds")
        if execution.ended is not None:
            properties["endTime"] = execution.ended.isoformat(timespec="milliseconds")
        if execution.failed and execution.error:
            properties["error"] = self._redact(execution.error)
        if self._agent is not None:
            properties["agent"] = self._agent
        return properties

    def _redact(self, text: str) -> str:
        for part in self._redacted_texts:
            text = text.replace(f"{part}/", "").replace(part, "…")
        return text


def _describe(execution: Execution) -> str:
    kind = "workflow" if isinstance(execution.process, Workflow) else "tool"
    return f"An execution of a {kind} that {'failed' if execution.failed else 'completed'}"


def _add_agent(crate: ROCrate) -> Entity | None:
    """Add the person from cwltool's environment variables; None if not set, as a name is personal data."""
    orcid, name = os.environ.get("ORCID", ""), os.environ.get("CWL_FULL_NAME", "")
    if not orcid and not name:
        return None
    if orcid and not orcid.startswith("http"):
        orcid = f"https://orcid.org/{orcid}"
    return crate.add(Person(crate, orcid or "#agent", properties={"name": name or orcid}))


def add_engine(crate: ROCrate) -> SoftwareApplication:
    """Add this package, with the versions of Airflow and cwltool that it ran on."""
    parts = [
        _add_package(crate, "apache-airflow", "Apache Airflow", version("apache-airflow-core")),
        _add_package(crate, "cwltool", "cwltool", version("cwltool")),
    ]
    engine = _add_package(crate, "airflow-provider-mlcraft", "MLcraft", __version__)
    engine["softwareRequirements"] = parts
    return engine


def _add_package(crate: ROCrate, package: str, name: str, number: str) -> SoftwareApplication:
    page = f"https://pypi.org/project/{package}/{number}/"
    properties = {"name": name, "version": number, "url": page}
    return crate.add(SoftwareApplication(crate, page, properties=properties))
