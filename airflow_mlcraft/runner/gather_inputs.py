"""Collects what is needed to repeat an earlier run: its plan, its inputs, its data.

A process of its own, with the settings of the user's Airflow, which the embedded Airflow does not have: run as
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
REACH_OUTSIDE = ("Retrieve", "Approve", "Serve")
"""The kinds of steps that are not repeated."""
_SETTINGS = ("containers", "container_engine", "container_pull", "container_network")


def gather_inputs(folder: Path, run: str, dag_run_id: str = "", document: str = "") -> dict[str, Any]:
    """Copy the run's data and replay file into a folder; returns the order for the repetition."""
    from airflow_mlcraft import settings
    from airflow_mlcraft.hooks.mlflow import tracked_store
    from airflow_mlcraft.layout.plan_cache import open_plan_cache
    from airflow_mlcraft.operators.task_files import open_store
    from airflow_mlcraft.store.store import Store
    from airflow_mlcraft.tracking.past_run import load_past_run

    past = load_past_run(tracked_store(), run, dag_run_id, experiment=settings.get("tracking_experiment"))
    plan = _find_plan(open_plan_cache(), past, document)
    store = open_store()
    replay = _build_replay(plan, past, store)
    Store(folder / STORE).take(_check_available(sorted(_object_ids([dict(past.inputs), replay])), store, past), store)
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
    """The very plan of the run: from the cache, or of the document, if it is the same one."""
    path, _, fragment = document.partition("#")
    if document:
        if not Path(path).is_file():
            raise MlcraftError(f"there is no document {path}")
        made = cache.get_plan(Path(path), fragment)
        if made.digest != past.plan:
            raise MlcraftError(
                f"{path} is not the document of the run, or it has changed since: its plan is {made.digest[:12]}, that "
                f"of the run {past.plan[:12]}{_commit_note(past)}"
            )
        return made
    found = cache.find_plan(past.plan)
    if found is None:
        raise MlcraftError(
            f"the plan {past.plan[:12]} of the run is not in {cache.root}; name its document, {past.document}, with "
            f"--document{_commit_note(past)}"
        )
    return found


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
        if any(kind in hints for kind in REACH_OUTSIDE):
            replay[OUTPUTS][key] = {port: _output_value(made, store) for port, made in step.outputs.items()}
        elif "Evaluate" in hints and (today := _compared_champion(step)):
            replay[INPUTS][key] = {"today": _file_object(today, "champion", store)}
    return replay


def _compared_champion(step: Step) -> str:
    """What a new model was compared with; the operator had added it to the inputs."""
    return next((data.md5 for data in step.data if data.context == "today"), "")


def _output_value(made: Any, store: Store) -> Json:
    values = [_file_object(each.md5, each.name, store) for each in made]
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
    gone = [f"{names.get(oid, '')} {oid}".strip() for oid in oids if oid not in store]
    if gone:
        raise MlcraftError(f"the store {store.url} does not have the data of the run any more: {', '.join(gone)}")
    return oids


def main() -> None:
    """Write the order, or the sentence that says why there is none."""
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
