"""The verb `rename`: a new name for a project in its folder, documents, run records and in MLflow."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from airflow_mlcraft.common.files import restore_files_on_error, translate_os_errors, write_text_atomically
from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import manifest as manifests
from airflow_mlcraft.project import run_records, serve
from airflow_mlcraft.project.documents import rename_documents, sync_documents
from airflow_mlcraft.project.embedded import tracking_settings
from airflow_mlcraft.project.manifest import title_from_name
from airflow_mlcraft.project.project_paths import Project, projects_of
from airflow_mlcraft.serving.process import local_server

_SQLITE_PREFIX = "sqlite:///"
_FLUSH_SECONDS = 60.0


def rename_project(project: Project, name: str) -> list[str]:
    """Rename a project. Returns a sentence for each change, and for what keeps the old name."""
    new = projects_of(project).new_project(name)
    if local_server.find_running(serve.deployment_folder(project)) is not None:
        raise ProjectError(f"the server of {project.name} runs", f"end it first: mlcraft stop {project.name}")
    old, tracking_uri = project.name, _flush_tracking(project)
    with translate_os_errors(project.folder):
        project.folder.rename(new.folder)
    try:
        sentences = [f"{old} is {new.folder}", *change_name(new, old)]
    except BaseException:
        new.folder.rename(project.folder)
        raise
    if (state := new.deployments / old).is_dir():
        state.rename(serve.deployment_folder(new))
    for path in new.runs.glob("*.json"):
        _move_record(path, project, new)
    return sentences + (_rename_in_mlflow(tracking_uri, old, name) if tracking_uri else [])


def change_name(project: Project, old: str) -> list[str]:
    """Replace the old name in the title and in the documents by the name of the folder. Returns a sentence for each."""
    tools = sorted(project.tools.glob("*.cwl"))
    sentences = []
    with restore_files_on_error(project.manifest, project.workflow, project.tuned_workflow, *tools):
        if manifests.read_manifest(project).title == title_from_name(old):
            manifests.change_manifest(project, {"title": title_from_name(project.name)})
            sentences.append(f"title is {title_from_name(project.name)}")
        changed = rename_documents(project, old)
        changed += [path for path in sync_documents(project, manifests.read_manifest(project)) if path not in changed]
        sentences += [f"{path.relative_to(project.folder)} follows" for path in changed]
    return sentences


def _move_record(path: Path, before: Project, after: Project) -> None:
    """Update the paths in a run record, and store the id of the DAG that the run belongs to."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        record = json.loads(path.read_text("utf-8"))
        prefix = f"{before.folder}/"
        moved = {
            name: _replace_prefix(value, prefix, f"{after.folder}/")
            for name, value in record.get("outputs", {}).items()
        }
        tuned = run_records.TUNE in record.get("set", {})
        dag = record.get("dag") or (f"{before.name}_tuned" if tuned else before.name)
        write_text_atomically(path, json.dumps({**record, "outputs": moved, "dag": dag}, indent=1) + "\n")


def _replace_prefix(value: object, before: str, after: str) -> object:
    if isinstance(value, list):
        return [_replace_prefix(one, before, after) for one in value]
    return after + value.removeprefix(before) if isinstance(value, str) and value.startswith(before) else value


def _flush_tracking(project: Project) -> str:
    """Send pending tracking data, which has the old name, to MLflow. Returns the address of MLflow, or an empty text.

    Raises ProjectError if data remains unsent.
    """
    with tracking_settings(project):
        from airflow_mlcraft.hooks.mlflow import open_tracking

        tracking = open_tracking()
        if tracking is None:
            return ""
        if unsent := tracking.flush(_FLUSH_SECONDS):
            raise ProjectError(f"{unsent} runs are still to be sent to MLflow", "try again once it answers")
        missing = (
            tracking.uri.startswith(_SQLITE_PREFIX) and not Path(tracking.uri.removeprefix(_SQLITE_PREFIX)).is_file()
        )
        return "" if missing else tracking.uri


def _rename_in_mlflow(uri: str, old: str, new: str) -> list[str]:
    """Rename the experiment and the registered model; if MLflow refuses, they keep the old name."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    client, sentences = MlflowClient(uri, uri), []
    try:
        if (experiment := client.get_experiment_by_name(old)) is not None:
            client.rename_experiment(experiment.experiment_id, new)
            sentences.append(f"the runs in MLflow are in the experiment {new!r}")
        if any(model.name == old for model in client.search_registered_models(f"name = '{old}'")):
            client.rename_registered_model(old, new)
            sentences.append(f"the registered model {old!r} is called {new!r}")
    except MlflowException as error:
        sentences.append(f"the rest keeps the name {old!r} in MLflow: {error}")
    return sentences
