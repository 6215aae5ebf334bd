"""Writing of a run as an RO-Crate of the Workflow Run profiles, and the recorder that collects its events.

A workflow's run is a Provenance Run Crate; one in which no tool ran, a Workflow Run Crate; a bare tool's, a
Process Run Crate.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from rocrate.model import ContextEntity
from rocrate.rocrate import ROCrate

from airflow_mlcraft.cwl.fuse import iterate_fused_paths
from airflow_mlcraft.cwl.plan import Json, Plan, Workflow
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.operators.task_files import open_store
from airflow_mlcraft.provenance.actions import Actions, add_engine
from airflow_mlcraft.provenance.data import Data
from airflow_mlcraft.provenance.history import Execution
from airflow_mlcraft.provenance.parameters import WORKFLOW
from airflow_mlcraft.provenance.processes import Processes, Source

if TYPE_CHECKING:
    from airflow_mlcraft.cwl.plan import Plan
    from airflow_mlcraft.runner.events import OnEvent, RunResult, TaskEvent


# The version that the profiles build on; a later RO-Crate has other types.
_RO_CRATE = "1.1"
_TERMS = "https://w3id.org/ro/terms/workflow-run/context"
_PROFILES = {
    "process": ("https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5"),
    "workflow": ("https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5"),
    "provenance": ("https://w3id.org/ro/wfrun/provenance/0.5", "Provenance Run Crate", "0.5"),
    "crate": ("https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate", "1.0"),
}
_NO_LICENSE = "No license is stated for this run, nor by its workflow."


def write_crate(run: Execution, plan: Plan, source: Source, folder: Path) -> None:
    """Write the crate of a run; the run's files must still be in the store of the settings."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_texts(source, folder / WORKFLOW)
    crate = ROCrate(version=_RO_CRATE)
    crate.metadata.extra_contexts.append(_TERMS)
    bare = plan.kind != "Workflow"
    if bare:
        run = _to_tool_execution(run)
    executions = [execution for execution in run.iterate_all() if bare or execution is not run]
    processes = Processes(crate, plan, source.main, folder)
    processes.add((execution.process, execution.steps) for execution in executions)
    _add_other_files(crate, source, folder)
    store = open_store()
    secrets = _collect_texts(run.inputs.get(name) for name in source.secrets)
    folders = [str(path) for path in (store.root, Path(plan.base), Path.cwd(), Path.home()) if path.name]
    data = Data(crate, folder, store, plan.base, secrets)
    Actions(crate, processes, data, [*secrets, *folders]).add(run, plan.document, add_engine(crate))
    _add_description(crate, run, plan, source)
    _add_profiles(
        crate, ["process"] if bare else ["process", "workflow", "crate", *(["provenance"] if executions else [])]
    )
    _unwrap_single_values(crate)
    crate.write(folder)


def _to_tool_execution(run: Execution) -> Execution:
    """Return the execution of a document that is a tool: in the plan it is the only step."""
    step = run.process.steps[0] if isinstance(run.process, Workflow) else None
    if step is None:
        return run
    inner = next(iter(run.children.get(step.id, ())), run)
    return replace(run, process=step.run, inputs=inner.inputs, outputs=inner.outputs, children={})


def _write_texts(source: Source, folder: Path) -> None:
    for name, text in source.texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def _add_other_files(crate: ROCrate, source: Source, folder: Path) -> None:
    """Add the document's files that are not processes: imported types, included scripts, `$graph` documents."""
    for name in source.texts:
        path = f"{WORKFLOW}/{name}"
        if crate.get(quote(path)) is None:
            encoding = "application/cwl" if name.endswith(".cwl") else mimetypes.guess_type(name)[0]
            properties = {"name": name, **({"encodingFormat": encoding} if encoding else {})}
            crate.add_file(folder / path, path, properties=properties)


def _collect_texts(values: Iterable[Json]) -> frozenset[str]:
    """Return the texts in values, at any depth."""
    found: set[str] = set()
    for value in values:
        if isinstance(value, str) and value:
            found.add(value)
        elif isinstance(value, (list, dict)):
            found |= _collect_texts(value.values() if isinstance(value, dict) else value)
    return frozenset(found)


def _add_description(crate: ROCrate, run: Execution, plan: Plan, source: Source) -> None:
    crate.name = f"Run of {plan.root.label or plan.document}"
    outcome = "failed" if run.failed else "completed"
    crate.description = f"A run of {plan.document} by Apache Airflow that {outcome}, with what it read and made."
    if not source.license:
        crate.license = _NO_LICENSE
    elif "://" in source.license:
        terms = ContextEntity(crate, source.license, properties={"@type": "CreativeWork", "name": source.license})
        crate.license = crate.add(terms)
    else:
        crate.license = source.license


def _add_profiles(crate: ROCrate, profiles: Iterable[str]) -> None:
    """Add the profiles that the crate conforms to."""
    for profile in profiles:
        address, name, number = _PROFILES[profile]
        properties = {"@type": "CreativeWork", "name": name, "version": number}
        crate.root_dataset.append_to("conformsTo", crate.add(ContextEntity(crate, address, properties=properties)))


def _unwrap_single_values(crate: ROCrate) -> None:
    """Replace a list of one value by the value."""
    for entity in crate.get_entities():
        for name, value in list(entity.properties().items()):
            if not name.startswith("@") and isinstance(value, list) and len(value) == 1:
                entity[name] = value[0]


class Recorder:
    """Records the events of one run of a document (`path` or `path#id`), and writes its crate into a folder."""

    def __init__(self, plan: Plan, document: str, folder: Path):
        from airflow_mlcraft.provenance.processes import read_source

        _check_is_empty(folder)
        if path := next(iterate_fused_paths(plan.root), ""):
            raise MlcraftError(
                f"{plan.document}: the steps of {path} run in one task, and a crate describes steps that have "
                "tasks of their own; run it without --provenance"
            )
        self._plan = plan
        # Read before the run, because the document may be edited meanwhile.
        self._source = read_source(document, plan.base)
        self._folder = folder.absolute()
        self._tasks: dict[tuple[str, int], TaskEvent] = {}

    def wrap_callback(self, on_event: OnEvent) -> OnEvent:
        """Return an `on_event` callback that records each event and calls the given one."""

        def record(event: TaskEvent) -> None:
            self._tasks[event.task_id, event.map_index] = event
            on_event(event)

        return record

    def write(self, result: RunResult) -> None:
        """Write the crate; the run's store must still be there."""
        from airflow_mlcraft.provenance.history import build_execution

        run = build_execution(self._plan, result, self._tasks)
        try:
            write_crate(run, self._plan, self._source, self._folder)
        except OSError as error:
            raise MlcraftError(f"the provenance cannot be written to {self._folder}: {error}") from error


def _check_is_empty(folder: Path) -> None:
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        found = "is not empty" if folder.is_dir() else "is a file"
        raise MlcraftError(f"{folder} {found}; the provenance of a run goes into a folder that is new or empty")
