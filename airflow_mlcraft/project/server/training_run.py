"""`train --server`: the same workflow, as a DAG run of a running Airflow that has imported the project's folder."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from airflow_mlcraft.errors import MlcraftError, ProjectError
from airflow_mlcraft.project import env_file, run_records
from airflow_mlcraft.project import manifest as manifests
from airflow_mlcraft.project.documents import sync
from airflow_mlcraft.project.embedded import new_run_id
from airflow_mlcraft.project.overrides import Choice, choices
from airflow_mlcraft.project.project_paths import Project
from airflow_mlcraft.project.repository import commit_of
from airflow_mlcraft.project.run_records import TRAIN, RunRecord
from airflow_mlcraft.project.server.api import Ask, ServerApi
from airflow_mlcraft.project.training import Watch, asked, job_of, with_outputs

_GLANCE = 1.0
_AWAITING = "awaiting_input"
_FINISHED = ("success", "failed", "upstream_failed", "skipped", "removed")


def train_on_server(
    project: Project,
    *,
    url: str = "",
    models: Sequence[str] = (),
    tune: int = 0,
    overrides: Sequence[str] = (),
    watch: Watch | None = None,
    ask: Ask | None = None,
) -> list[RunRecord]:
    """Run the workflow on a server; Ctrl-C ends the run there too."""
    watch = watch or Watch()
    manifest = manifests.read(project)
    address = url or manifest.server
    if not address:
        raise ProjectError(
            f"it is not said where the Airflow of {project.name} is", "add --url, or url under [server] of mlcraft.toml"
        )
    runs = choices(project, manifest, models, overrides, tuned=bool(tune))
    sync(project, manifest)
    made = []
    with ServerApi(address, {**os.environ, **env_file.read(project)}, ask) as api:
        dag_id = _dag_of(api, project, tuned=bool(tune))
        api.unpause(dag_id)
        for choice in runs:
            made.append(_train(api, dag_id, project, choice, asked(choice, models, tune), tune, watch))
            if not made[-1].ok:
                break
    return made


def _dag_of(api: ServerApi, project: Project, *, tuned: bool) -> str:
    """The DAG that the server has made of the project's document."""
    wanted = f"{project.name}.{(project.tuned_workflow if tuned else project.workflow).stem}"
    found = [dag_id for dag_id in api.dag_ids(wanted) if dag_id == wanted or dag_id.endswith(f".{wanted}")]
    if len(found) != 1:
        raise ProjectError(
            f"the Airflow at {api.url} has {'several DAGs' if found else 'no DAG'} {wanted}",
            f"let one of its DAG files import the projects: load_cwl_dags(globals(), {str(project.folder.parent)!r})",
        )
    return found[0]


def _train(  # noqa: PLR0917
    api: ServerApi, dag_id: str, project: Project, choice: Choice, given: Mapping[str, Any], tune: int, watch: Watch
) -> RunRecord:
    run_id, begun = new_run_id(TRAIN), time.monotonic()
    started = datetime.now(tz=timezone.utc).isoformat(timespec="seconds")
    base = RunRecord(run_id, TRAIN, started, 0.0, "killed", choice.manifest.usual_metric, given)
    base = replace(base, commit=commit_of(project.folder), server=api.url)
    watch.begin(f"{choice.manifest.title} on {api.url}", choice.manifest.usual_metric, choice.candidates)
    api.trigger(dag_id, run_id, job_of(project, choice, tune))
    try:
        state = _followed(api, dag_id, run_id, watch)
    except BaseException:
        api.stop(dag_id, run_id)
        seconds = round(time.monotonic() - begun, 2)
        killed = replace(base, seconds=seconds, error="it was interrupted", models=tuple(watch.models))
        run_records.remember(project, killed)
        raise
    record = replace(base, state=state, seconds=round(time.monotonic() - begun, 2), models=tuple(watch.models))
    if state == "success":
        outputs = api.xcom(dag_id, run_id, "outputs") or {}
        record = _with_outputs(record, outputs)
    else:
        failed = sorted({task["task_id"] for task in api.tasks(dag_id, run_id) if task["state"] == "failed"})
        record = replace(record, error=f"{', '.join(failed)} failed; see {api.url}/dags/{dag_id}/runs/{run_id}")
    run_records.remember(project, record)
    return record


def _followed(api: ServerApi, dag_id: str, run_id: str, watch: Watch) -> str:
    """Look now and then, until the run has ended."""
    waiting: set[str] = set()
    while True:
        state = api.run_state(dag_id, run_id)
        tasks = api.tasks(dag_id, run_id)
        watch.done = sum(task["state"] in _FINISHED for task in tasks)
        watch.total = len(tasks)
        for task in tasks:
            _tell(task, watch)
        for task_id in sorted({task["task_id"] for task in tasks if task["state"] == _AWAITING}):
            if task_id not in waiting:
                waiting.add(task_id)
                page = f"{api.url}/dags/{dag_id}/runs/{run_id}/tasks/{task_id}/required_actions"
                watch.on_log(task_id, "warning", f"waits for a person, who answers at {page}")
        watch.changed(watch)
        if state in ("success", "failed"):
            return state
        time.sleep(_GLANCE)


def _tell(task: dict[str, Any], watch: Watch) -> None:
    state = task["state"] or "waiting"
    index = task["map_index"]
    if task["task_id"] != TRAIN:
        watch.steps[task["task_id"]] = state
        return
    if not 0 <= index < len(watch.models):
        return
    watch.models[index] = replace(watch.models[index], state=state, seconds=task["duration"])


def _with_outputs(record: RunRecord, outputs: dict[str, Any]) -> RunRecord:
    """With its scores and files, where the server's folder of outputs is on this machine; MLflow has them elsewhere."""
    try:
        return with_outputs(record, outputs)
    except (MlcraftError, OSError, ValueError, KeyError, TypeError):
        return record
