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
    """Adds an action for each execution."""

    def __init__(self, crate: ROCrate, processes: Processes, data: Data, redacted_texts: Iterable[str]):
        self._crate = crate
        self._processes = processes
        self._data = data
        self._redacted_texts = tuple(redacted_texts)
        """Texts to remove from error messages: folders of this machine, and secrets."""
        self._agent = _agent(crate)

    def add(self, run: Execution, document: str, engine: Entity) -> None:
        """Add the run, and that of the engine which ran its steps."""
        action = self._execution(run, document)
        steps = list(self._steps(run))
        self._crate.add_action(
            engine,
            "#engine",
            object=steps,
            result=action,
            properties={
                "@type": "OrganizeAction",
                "name": f"Run of {engine['name']} {engine['version']}",
                **self._facts(run),
            },
        )

    def _execution(self, execution: Execution, document: str) -> Entity:
        identifier = part_id("#run", execution.name) if execution.name else "#run"
        process = self._processes.id_of(execution.process, execution.steps)
        what = f"{document}: {execution.name}" if execution.name else document
        action = self._crate.add_action(
            self._crate.get(process),
            identifier,
            object=self._values(identifier, process, "inputs", execution.inputs),
            result=self._values(identifier, process, "outputs", execution.outputs),
            properties={"name": f"Run of {what}", "description": _sentence(execution), **self._facts(execution)},
        )
        self._crate.root_dataset.append_to("mentions", action)
        for executions in execution.inside.values():
            for inner in executions:
                self._execution(inner, document)
        return action

    def _values(self, action: str, process: str, kind: str, values: Mapping[str, Json]) -> list[Entity]:
        # A colon cannot be in a name, as that is quoted: whatever steps are called, no two ids are the same.
        owner = f"#{kind}:{action.removeprefix('#')}:"
        found = [
            entity
            for name, value in values.items()
            for entity in self._data.entities(owner, name, value, self._processes.parameter(process, kind, name))
        ]
        return list({entity.id: entity for entity in found}.values())

    def _steps(self, run: Execution) -> Iterator[Entity]:
        """One action for each time that a step ran, with all items of its scatter."""
        if not isinstance(run.process, Workflow):
            return
        for step, executions in run.inside.items():
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
                yield from self._steps(execution)

    def _facts(self, execution: Execution) -> dict[str, Any]:
        facts: dict[str, Any] = {"actionStatus": _FAILED if execution.failed else _COMPLETED}
        if execution.started is not None:
            facts["startTime"] = execution.started.isoformat(timespec="milliseconds")
        if execution.ended is not None:
            facts["endTime"] = execution.ended.isoformat(timespec="milliseconds")
        if execution.failed and execution.error:
            facts["error"] = self._redact(execution.error)
        if self._agent is not None:
            facts["agent"] = self._agent
        return facts

    def _redact(self, text: str) -> str:
        for part in self._redacted_texts:
            text = text.replace(f"{part}/", "").replace(part, "…")
        return text


def _sentence(execution: Execution) -> str:
    kind = "workflow" if isinstance(execution.process, Workflow) else "tool"
    return f"An execution of a {kind} that {'failed' if execution.failed else 'completed'}"


def _agent(crate: ROCrate) -> Entity | None:
    """The person who ran it, only if set in cwltool's environment variables, as a name is personal data."""
    orcid, name = os.environ.get("ORCID", ""), os.environ.get("CWL_FULL_NAME", "")
    if not orcid and not name:
        return None
    if orcid and not orcid.startswith("http"):
        orcid = f"https://orcid.org/{orcid}"
    return crate.add(Person(crate, orcid or "#agent", properties={"name": name or orcid}))


def add_engine(crate: ROCrate) -> SoftwareApplication:
    """This package, with the Airflow and the cwltool that it ran on."""
    parts = [
        _package(crate, "apache-airflow", "Apache Airflow", version("apache-airflow-core")),
        _package(crate, "cwltool", "cwltool", version("cwltool")),
    ]
    engine = _package(crate, "airflow-provider-mlcraft", "MLcraft", __version__)
    engine["softwareRequirements"] = parts
    return engine


def _package(crate: ROCrate, package: str, name: str, number: str) -> SoftwareApplication:
    page = f"https://pypi.org/project/{package}/{number}/"
    properties = {"name": name, "version": number, "url": page}
    return crate.add(SoftwareApplication(crate, page, properties=properties))
