"""What a step logs to its run in MLflow: inputs and outputs by hash, and the record that the step has written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.cwl.plan import Json, ToolRef
from airflow_mlcraft.operators.task_run import TaskRun, select_params
from airflow_mlcraft.store.values import iterate_files_and_directories, oid_of
from airflow_mlcraft.tracking import tags
from airflow_mlcraft.tracking.capture import to_params
from airflow_mlcraft.tracking.names import DagRunName, StepName

if TYPE_CHECKING:
    from airflow_mlcraft.operators.task_files import TaskFiles
    from airflow_mlcraft.store.store import Store
    from airflow_mlcraft.tracking.client import TrackingClient
    from airflow_mlcraft.tracking.run import TrackedRun

RECORD = "record"
"""The output with the file `record.json`: metrics, models, plots and other content of the step's run."""
_NO_RECORD: Mapping[str, Any] = {}


def build_step_tags(
    tracking: TrackingClient, tool: ToolRef, identity: str, reused_from: Mapping[str, Any] | None
) -> dict[str, str]:
    """The tags of a step's run: identity, image, and the task and run that reused outputs come from."""
    values = {tags.STEP_IDENTITY: identity}
    if tool.container:
        values[tags.IMAGE] = tool.container
    if reused_from:
        values[tags.REUSED] = "{dag_id}.{task_id} in {run_id}".format_map(reused_from)
        index = -1 if reused_from["map_index"] is None else reused_from["map_index"]
        producer = StepName(DagRunName(reused_from["dag_id"], reused_from["run_id"]), reused_from["task_id"], index)
        values[tags.REUSED_RUN] = tracking.wait_for_run_id(producer, 0) or ""
    return {name: value for name, value in values.items() if value}


def log_step(
    task_run: TaskRun,
    step_tags: Mapping[str, str],
    inputs: Mapping[str, Json],
    outputs: Mapping[str, Json],
    files: TaskFiles,
) -> None:
    """Log a step once it has its outputs, new or reused: tags, params, data sets, hashes of outputs, its record."""
    run = task_run.open()
    run.tags(step_tags)
    record = load_record(outputs, files.store)
    # A param of MLflow cannot be changed: where the step has changed an input, its value counts.
    run.params({**to_params(select_params(inputs)), **record.get("params", {})})
    datasets = {dataset["port"]: dataset for dataset in record.get("datasets", ())}
    new = {port: value for port, value in outputs.items() if port in datasets and port not in inputs}
    log_datasets(run, {**inputs, **new}, files, datasets)
    log_output_hashes(run, outputs)
    log_record(task_run, record, outputs, files)


def log_datasets(run: TrackedRun, values: Mapping[str, Json], files: TaskFiles, datasets: Mapping[str, Json]) -> None:
    """Log files as data sets with their hashes; `datasets` has what the step's record says of them, by port."""
    stored = files.keep(values)
    url = files.store.url
    for port, value in stored.items():
        dataset = datasets.get(port, _NO_RECORD)
        for item in iterate_files_and_directories(value):
            if oid := oid_of(item):
                run.dataset(
                    dataset.get("name") or item.get("basename") or port,
                    md5=oid,
                    size=item.get("size"),
                    url=url,
                    path=item.get("basename", ""),
                    context=dataset.get("context", port),
                    profile=dataset.get("profile"),
                )


def log_output_hashes(run: TrackedRun, outputs: Mapping[str, Json]) -> None:
    """Log the name and hash of each output's files, as tags."""
    for port, objects in objects_by_output(outputs).items():
        run.tags({f"{tags.OUTPUT}{port}": "\n".join(f"{name} {oid}".strip() for name, oid in objects)})


def objects_by_output(outputs: Mapping[str, Json]) -> dict[str, list[tuple[str, str]]]:
    """Name and object id of each File and Directory, by output; without the record, which describes the others."""
    by_output = {
        port: [(item.get("basename", ""), oid) for item, oid in _objects(value)]
        for port, value in outputs.items()
        if port != RECORD
    }
    return {port: objects for port, objects in by_output.items() if objects}


def load_record(outputs: Mapping[str, Json], store: Store) -> Mapping[str, Any]:
    """The step's record; empty for a step that writes none."""
    for item, oid in _objects(outputs.get(RECORD)):
        if item.get("basename") == "record.json":
            record: dict[str, Any] = json.loads(store.path_of(oid).read_bytes())
            return record
    return _NO_RECORD


def log_record(task_run: TaskRun, record: Mapping[str, Any], outputs: Mapping[str, Json], files: TaskFiles) -> None:
    """Log the metrics, tags, models, artifacts and trials of a record."""
    run = task_run.open()
    run.metrics(record.get("metrics", {}))
    run.tags(record.get("tags", {}))
    for name, points in record.get("series", {}).items():
        for step, value in points:
            run.metric(name, value, step)
    for model in record.get("models", ()):
        for item, oid in _objects(outputs.get(model["port"])):
            run.model(_staged_path(item, files), model.get("name", "model"), content=oid)
    for artifact in record.get("artifacts", ()):
        for item, _ in _objects(outputs.get(artifact["port"])):
            run.artifact(_staged_path(item, files), artifact.get("folder", ""))
    for trial in record.get("trials", ()):
        _log_trial(task_run, trial)


def _log_trial(task_run: TaskRun, trial: Mapping[str, Any]) -> None:
    """Log a trial of a search as a child run of the step's run."""
    name = task_run.name
    number = trial["number"]
    child = StepName(name.dag_run, f"{name.task_id}/trial {number}", name.map_index, name.try_number, f"trial {number}")
    run = task_run.tracking.open(child, tags={"mlcraft.trial": trial.get("state", "")}, above=name)
    run.params(trial.get("params", {}))
    run.metrics(trial.get("metrics", {}))
    task_run.tracking.close(run, "FAILED" if trial.get("state") == "failed" else "FINISHED")


def _objects(value: Json) -> Iterator[tuple[Json, str]]:
    """The outermost Files and Directories of a value, with the objects that they are."""
    items = value if isinstance(value, list) else [value]
    for item in items:
        if isinstance(item, list):
            yield from _objects(item)
        elif isinstance(item, dict) and item.get("class") in ("File", "Directory") and (oid := oid_of(item)):
            yield item, oid


def _staged_path(item: Json, files: TaskFiles) -> Path:
    from airflow_mlcraft.store.values import local_path

    return Path(local_path(files.stage(item)))
