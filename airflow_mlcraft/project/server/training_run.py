"""The verb `train --server`: the workflow as a DAG run of an Airflow server that has imported the project's folder."""

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
from airflow_mlcraft.project.documents import sync_documents
from airflow_mlcraft.project.embedded import new_run_id
from airflow_mlcraft.project.overrides import PlannedRun, plan_runs
from airflow_mlcraft.project.project_paths import Project
from airflow_mlcraft.project.repository import read_head_commit
from airflow_mlcraft.project.run_records import TRAIN, RunRecord
from airflow_mlcraft.project.server.api import AskLogin, ServerApi
from airflow_mlcraft.project.training import TrainingProgress, build_job, describe_options, with_outputs

_POLL_SECONDS = 1.0
_AWAITING_INPUT = "awaiting_input"
_FINISHED_STATES = ("success", "failed", "upstream_failed", "skipped", "removed")


def train_on_server(
    project: Project,
    *,
    url: str = "",
    models: Sequence[str] = (),
    tune: int = 0,
    overrides: Sequence[str] = (),
    progress: TrainingProgress | None = None,
    ask_login: AskLogin | None = None,
) -> list[RunRecord]:
    """Run the workflow on a server. Returns the records. Ctrl-C stops the run on the server too."""
    progress = progress or TrainingProgress()
    manifest = manifests.read_manifest(project)
    server_url = url or manifest.server
    if not server_url:
        raise ProjectError(
            f"it is not said where the Airflow of {project.name} is", "add --url, or url under [server] of mlcraft.toml"
        )
    planned = plan_runs(project, manifest, models, overrides, tuned=bool(tune))
    sync_documents(project, manifest)
    records = []
    with ServerApi(server_url, {**os.environ, **env_file.read_env_file(project)}, ask_login) as api:
        dag_id = _find_dag(api, project, tuned=bool(tune))
        api.unpause(dag_id)
        for run in planned:
            records.append(_train(api, dag_id, project, run, describe_options(run, models, tune), tune, progress))
            if not records[-1].ok:
                break
    return records


def _find_dag(api: ServerApi, project: Project, *, tuned: bool) -> str:
    """The id of the DAG of the project's document on the server."""
    expected = f"{project.name}.{(project.tuned_workflow if tuned else project.workflow).stem}"
    matches = [dag_id for dag_id in api.find_dag_ids(expected) if dag_id == expected or dag_id.endswith(f".{expected}")]
    if len(matches) != 1:
        raise ProjectError(
            f"the Airflow at {api.url} has {'several DAGs' if matches else 'no DAG'} {expected}",
            f"let one of its DAG files import the projects: load_cwl_dags(globals(), {str(project.folder.parent)!r})",
        )
    return matches[0]


def _train(  # noqa: PLR0917
    api: ServerApi,
    dag_id: str,
    project: Project,
    run: PlannedRun,
    options: Mapping[str, Any],
    tune: int,
    progress: TrainingProgress,
) -> RunRecord:
    run_id, start = new_run_id(TRAIN), time.monotonic()
    started = datetime.now(tz=timezone.utc).isoformat(timespec="seconds")
    record = RunRecord(run_id, TRAIN, started, 0.0, "killed", run.manifest.metric_or_default, options)
    record = replace(record, commit=read_head_commit(project.folder), server=api.url)
    progress.begin_training(f"{run.manifest.title} on {api.url}", run.manifest.metric_or_default, run.candidates)
    api.trigger(dag_id, run_id, build_job(project, run, tune))
    try:
        state = _wait_for_end(api, dag_id, run_id, progress)
    except BaseException:
        api.stop(dag_id, run_id)
        seconds = round(time.monotonic() - start, 2)
        killed = replace(record, seconds=seconds, error="it was interrupted", models=tuple(progress.models))
        run_records.write_record(project, killed)
        raise
    record = replace(record, state=state, seconds=round(time.monotonic() - start, 2), models=tuple(progress.models))
    if state == "success":
        outputs = api.read_xcom(dag_id, run_id, "outputs") or {}
        record = _with_local_outputs(record, outputs)
    else:
        failed = sorted({task["task_id"] for task in api.list_tasks(dag_id, run_id) if task["state"] == "failed"})
        record = replace(record, error=f"{', '.join(failed)} failed; see {api.url}/dags/{dag_id}/runs/{run_id}")
    run_records.write_record(project, record)
    return record


def _wait_for_end(api: ServerApi, dag_id: str, run_id: str, progress: TrainingProgress) -> str:
    """Poll the server until the run has ended. Returns the state of the run."""
    reported: set[str] = set()
    while True:
        state = api.get_run_state(dag_id, run_id)
        tasks = api.list_tasks(dag_id, run_id)
        progress.done = sum(task["state"] in _FINISHED_STATES for task in tasks)
        progress.total = len(tasks)
        for task in tasks:
            _update_progress(task, progress)
        for task_id in sorted({task["task_id"] for task in tasks if task["state"] == _AWAITING_INPUT}):
            if task_id not in reported:
                reported.add(task_id)
                page = f"{api.url}/dags/{dag_id}/runs/{run_id}/tasks/{task_id}/required_actions"
                progress.on_log(task_id, "warning", f"waits for a person, who answers at {page}")
        progress.on_change(progress)
        if state in ("success", "failed"):
            return state
        time.sleep(_POLL_SECONDS)


def _update_progress(task: dict[str, Any], progress: TrainingProgress) -> None:
    state = task["state"] or "waiting"
    index = task["map_index"]
    if task["task_id"] != TRAIN:
        progress.steps[task["task_id"]] = state
        return
    if not 0 <= index < len(progress.models):
        return
    progress.models[index] = replace(progress.models[index], state=state, seconds=task["duration"])


def _with_local_outputs(record: RunRecord, outputs: dict[str, Any]) -> RunRecord:
    """Add scores and files, if the server's outputs are on this machine; otherwise only MLflow has them."""
    try:
        return with_outputs(record, outputs)
    except (MlcraftError, OSError, ValueError, KeyError, TypeError):
        return record
