"""What a step's run in MLflow says: its inputs and outputs by hash, and what the step itself has recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.cwl.plan import Json, ToolRef
from airflow_mlcraft.operators.task_run import TaskRun, plain_values
from airflow_mlcraft.store.values import each_file_or_directory, oid_of
from airflow_mlcraft.tracking import tags
from airflow_mlcraft.tracking.capture import readable
from airflow_mlcraft.tracking.names import DagRunName, StepName

if TYPE_CHECKING:
    from airflow_mlcraft.operators.task_files import Work
    from airflow_mlcraft.store.store import Store
    from airflow_mlcraft.tracking.client import Tracking
    from airflow_mlcraft.tracking.run import TrackedRun

RECORD = "record"
"""The output by which a step says what its run is to show."""
_ABSENT: Mapping[str, Any] = {}


def facts_of_step(
    tracking: Tracking, tool: ToolRef, identity: str, made_by: Mapping[str, Any] | None
) -> dict[str, str]:
    """What ran, as tags; and where it was not run, who has made the outputs, with the run that tells of it."""
    facts = {tags.STEP_IDENTITY: identity}
    if tool.container:
        facts[tags.IMAGE] = tool.container
    if made_by:
        facts[tags.REUSED] = "{dag_id}.{task_id} in {run_id}".format_map(made_by)
        index = -1 if made_by["map_index"] is None else made_by["map_index"]
        maker = StepName(DagRunName(made_by["dag_id"], made_by["run_id"]), made_by["task_id"], index)
        facts[tags.REUSED_RUN] = tracking.run_id(maker, 0) or ""
    return {name: value for name, value in facts.items() if value}


def say_step(
    tracked: TaskRun, facts: Mapping[str, str], inputs: Mapping[str, Json], outputs: Mapping[str, Json], task: Work
) -> None:
    """All that is known once a step has its outputs, made now or by another run."""
    run = tracked.open()
    run.tags(facts)
    record = record_in(outputs, task.store)
    # A parameter has one value for good: what the step made of an input counts.
    run.params({**readable(plain_values(inputs)), **record.get("params", {})})
    profiles = {described["port"]: described for described in record.get("datasets", ())}
    made = {port: value for port, value in outputs.items() if port in profiles and port not in inputs}
    say_data(run, {**inputs, **made}, task, profiles)
    say_outputs(run, outputs)
    say_record(tracked, record, outputs, task)


def say_data(run: TrackedRun, files: Mapping[str, Json], task: Work, profiles: Mapping[str, Json]) -> None:
    """What was read as data sets, by their content; also what a step has brought from elsewhere, and describes."""
    kept = task.keep(files)
    url = task.store.url
    for port, value in kept.items():
        described = profiles.get(port, _ABSENT)
        for item in each_file_or_directory(value):
            if oid := oid_of(item):
                run.dataset(
                    described.get("name") or item.get("basename") or port,
                    md5=oid,
                    size=item.get("size"),
                    url=url,
                    path=item.get("basename", ""),
                    context=described.get("context", port),
                    profile=described.get("profile"),
                )


def say_outputs(run: TrackedRun, outputs: Mapping[str, Json]) -> None:
    """The hashes of what was made, each with its name."""
    for port, made in made_by_port(outputs).items():
        run.tags({f"{tags.OUTPUT}{port}": "\n".join(f"{name} {oid}".strip() for name, oid in made)})


def made_by_port(outputs: Mapping[str, Json]) -> dict[str, list[tuple[str, str]]]:
    """The files and folders of each output, by name and object; without the record, which is about the others."""
    found = {
        port: [(item.get("basename", ""), oid) for item, oid in _objects(value)]
        for port, value in outputs.items()
        if port != RECORD
    }
    return {port: made for port, made in found.items() if made}


def record_in(outputs: Mapping[str, Json], store: Store) -> Mapping[str, Any]:
    """What the step has written down, if it is one that does."""
    for item, oid in _objects(outputs.get(RECORD)):
        if item.get("basename") == "record.json":
            found: dict[str, Any] = json.loads(store.path_of(oid).read_bytes())
            return found
    return _ABSENT


def say_record(tracked: TaskRun, record: Mapping[str, Any], outputs: Mapping[str, Json], task: Work) -> None:
    """Metrics, models, plots and trials."""
    run = tracked.open()
    run.metrics(record.get("metrics", {}))
    run.tags(record.get("tags", {}))
    for name, points in record.get("series", {}).items():
        for step, value in points:
            run.metric(name, value, step)
    for model in record.get("models", ()):
        for item, oid in _objects(outputs.get(model["port"])):
            run.model(_local(item, task), model.get("name", "model"), content=oid)
    for artifact in record.get("artifacts", ()):
        for item, _ in _objects(outputs.get(artifact["port"])):
            run.artifact(_local(item, task), artifact.get("folder", ""))
    for trial in record.get("trials", ()):
        _say_trial(tracked, trial)


def _say_trial(tracked: TaskRun, trial: Mapping[str, Any]) -> None:
    """A trial of a search is a run below that of the step."""
    name = tracked.name
    number = trial["number"]
    below = StepName(name.flow, f"{name.task_id}/trial {number}", name.map_index, name.try_number, f"trial {number}")
    run = tracked.tracking.open(below, tags={"mlcraft.trial": trial.get("state", "")}, above=name)
    run.params(trial.get("params", {}))
    run.metrics(trial.get("metrics", {}))
    tracked.tracking.close(run, "FAILED" if trial.get("state") == "failed" else "FINISHED")


def _objects(value: Json) -> Iterator[tuple[Json, str]]:
    """The outermost Files and Directories of a value, with the objects that they are."""
    items = value if isinstance(value, list) else [value]
    for item in items:
        if isinstance(item, list):
            yield from _objects(item)
        elif isinstance(item, dict) and item.get("class") in ("File", "Directory") and (oid := oid_of(item)):
            yield item, oid


def _local(item: Json, task: Work) -> Path:
    from airflow_mlcraft.store.values import local_path

    return Path(local_path(task.stage(item)))
