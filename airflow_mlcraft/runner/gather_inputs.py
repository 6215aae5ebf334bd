"""The plan, inputs and data of an earlier run, gathered for its repetition.

Runs as a process with the settings of the user's Airflow, which the embedded Airflow does not have:
`python -m airflow_mlcraft.runner.gather_inputs FOLDER RUN [DAG_RUN_ID] [--document PATH]`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.errors import MlcraftError

if TYPE_CHECKING:
    from airflow_mlcraft.cwl.cache import PlanCache
    from airflow_mlcraft.cwl.plan import Json, Plan
    from airflow_mlcraft.store.store import Store
    from airflow_mlcraft.tracking.past_run import PastRun
    from airflow_mlcraft.tracking.trace import Step

ORDER, STORE, REPLAY = "order.json", "store", "replay.json"
EXTERNAL_STEP_KINDS = ("Retrieve", "Approve", "Serve")
"""The kinds of steps that are not repeated."""
_SETTINGS = ("containers", "container_engine", "container_pull", "container_network")


def gather_inputs(folder: Path, run: str, dag_run_id: str = "", document: str = "") -> dict[str, Any]:
    """Copy the run's data and replay file into a folder; returns the order for the repetition."""
    from airflow_mlcraft import settings
    from airflow_mlcraft.hooks.mlflow import open_tracked_store
    from airflow_mlcraft.layout.plan_cache import open_plan_cache
    from airflow_mlcraft.operators.task_files import open_store
    from airflow_mlcraft.store.store import Store
    from airflow_mlcraft.tracking.past_run import load_past_run

    past = load_past_run(open_tracked_store(), run, dag_run_id, experiment=settings.get("tracking_experiment"))
    plan = _find_plan(open_plan_cache(), past, document)
    store = open_store()
    replay = _build_replay(plan, past, store)
    Store(folder / STORE).copy_from(
        _check_available(sorted(_object_ids([dict(past.inputs), replay])), store, past), store
    )
    (folder / REPLAY).write_text(json.dumps(replay))
    return {
        "past": past.to_json(),
        "plan": plan.digest,
        "base": plan.base,
        "cache": str(open_plan_cache().root),
        "replayed": sorted(replay["outputs"]),
        "settings": {name: settings.get(name) for name in _SETTINGS},
    }


def _find_plan(cache: PlanCache, past: PastRun, document: str) -> Plan:
    """The plan of the run from the cache, or from the document, whose plan has to be the same."""
    path, _, fragment = document.partition("#")
    if document:
        if not Path(path).is_file():
            raise MlcraftError(f"there is no document {path}")
        plan = cache.get_plan(Path(path), fragment)
        if plan.digest != past.plan:
            raise MlcraftError(
                f"{path} is not the document of the run, or it has changed since: its plan is {plan.digest[:12]}, that "
                f"of the run {past.plan[:12]}{_commit_note(past)}"
            )
        return plan
    cached_plan = cache.find_plan(past.plan)
    if cached_plan is None:
        raise MlcraftError(
            f"the plan {past.plan[:12]} of the run is not in {cache.root}; name its document, {past.document}, with "
            f"--document{_commit_note(past)}"
        )
    return cached_plan


def _commit_note(past: PastRun) -> str:
    return f"; the run had {past.document} at the git commit {past.git_commit}" if past.git_commit else ""


def _build_replay(plan: Plan, past: PastRun, store: Store) -> dict[str, Any]:
    from airflow_mlcraft.layout.layout import build_layout
    from airflow_mlcraft.operators.reuse import INPUTS, OUTPUTS, task_instance_key

    step_layouts = {
        step_layout.task_id: step_layout
        for workflow_layout in build_layout(plan).root.walk()
        for step_layout in workflow_layout.steps.values()
    }
    if unknown := sorted({step.task_id for step in past.steps} - step_layouts.keys()):
        raise MlcraftError(
            f"the document has no step for {', '.join(unknown)}; a document that is a task group of a larger DAG "
            "cannot be run again by itself"
        )
    replay: dict[str, Any] = {OUTPUTS: {}, INPUTS: {}}
    for step in past.steps:
        key, hints = task_instance_key(step.task_id, step.map_index), step_layouts[step.task_id].step.hints or {}
        if any(kind in hints for kind in EXTERNAL_STEP_KINDS):
            replay[OUTPUTS][key] = {port: _output_value(data_files, store) for port, data_files in step.outputs.items()}
        elif "Evaluate" in hints and (champion_md5 := _compared_champion(step)):
            replay[INPUTS][key] = {"today": _file_object(champion_md5, "champion", store)}
    return replay


def _compared_champion(step: Step) -> str:
    """The hash of the champion that a model was compared with; the operator had added it to the inputs."""
    return next((data.md5 for data in step.data if data.context == "today"), "")


def _output_value(data_files: Any, store: Store) -> Json:
    values = [_file_object(each.md5, each.name, store) for each in data_files]
    return values[0] if len(values) == 1 else values


def _file_object(oid: str, name: str, store: Store) -> Json:
    from airflow_mlcraft.store.values import STORE as LOCATION

    kind = "Directory" if oid.endswith(".dir") else "File"
    size = {"size": store.path_of(oid).stat().st_size} if kind == "File" and oid in store else {}
    return {"class": kind, "location": f"{LOCATION}{oid}", "basename": name, **size}


def _object_ids(value: Json) -> Iterator[str]:
    from airflow_mlcraft.store.values import iterate_files_and_directories, oid_of

    for item in iterate_files_and_directories(value):
        if oid := oid_of(item):
            yield oid


def _check_available(oids: list[str], store: Store, past: PastRun) -> list[str]:
    names = {data.md5: data.name for step in past.steps for data in step.data}
    missing = [f"{names.get(oid, '')} {oid}".strip() for oid in oids if oid not in store]
    if missing:
        raise MlcraftError(f"the store {store.url} does not have the data of the run any more: {', '.join(missing)}")
    return oids


def main() -> None:
    """Write the order for the repetition, or a message why the run cannot be repeated, as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("run")
    parser.add_argument("dag_run_id", nargs="?", default="")
    parser.add_argument("--document", default="")
    options = parser.parse_args()
    try:
        order = gather_inputs(options.folder, options.run, options.dag_run_id, options.document)
    except MlcraftError as error:
        order = {"error": str(error)}
    (options.folder / ORDER).write_text(json.dumps(order))


if __name__ == "__main__":
    main()
