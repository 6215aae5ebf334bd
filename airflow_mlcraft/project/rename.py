"""`rename`: a project gets another name, in its folder, its documents, its runs' records and the registry."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from airflow_mlcraft.common.files import restore_files_on_error, translate_os_errors, write_text_atomically
from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import manifest as manifests
from airflow_mlcraft.project import run_records, serve
from airflow_mlcraft.project.documents import rename_documents, sync
from airflow_mlcraft.project.manifest import title_of
from airflow_mlcraft.project.project_paths import Project, projects_of
from airflow_mlcraft.project.tracking_lookup import looking_at
from airflow_mlcraft.serving.process import local_server

_FILE = "sqlite:///"
_LIMIT = 60.0


def rename(project: Project, name: str) -> list[str]:
    """Give a project another name; gives a sentence for each thing that was done, and for what keeps the old name."""
    new = projects_of(project).free(name)
    if local_server.running(serve.folder_of(project)) is not None:
        raise ProjectError(f"the server of {project.name} runs", f"end it first: mlcraft stop {project.name}")
    old, tracked = project.name, _send_all(project)
    with translate_os_errors(project.folder):
        project.folder.rename(new.folder)
    try:
        done = [f"{old} is {new.folder}", *set_name(new, old)]
    except BaseException:
        new.folder.rename(project.folder)
        raise
    if (state := new.deployments / old).is_dir():
        state.rename(serve.folder_of(new))
    for path in new.runs.glob("*.json"):
        _move_record(path, project, new)
    return done + (_rename_in_mlflow(tracked, old, name) if tracked else [])


def set_name(project: Project, old: str) -> list[str]:
    """The name of the folder in everything that has the old one in it."""
    tools = sorted(project.tools.glob("*.cwl"))
    done = []
    with restore_files_on_error(project.manifest, project.workflow, project.tuned_workflow, *tools):
        if manifests.read(project).title == title_of(old):
            manifests.change(project, {"title": title_of(project.name)})
            done.append(f"title is {title_of(project.name)}")
        changed = rename_documents(project, old)
        changed += [path for path in sync(project, manifests.read(project)) if path not in changed]
        done += [f"{path.relative_to(project.folder)} follows" for path in changed]
    return done


def _move_record(path: Path, before: Project, after: Project) -> None:
    """The paths of a run's files, and the DAG that it was a run of."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        found = json.loads(path.read_text("utf-8"))
        prefix = f"{before.folder}/"
        moved = {name: _moved(value, prefix, f"{after.folder}/") for name, value in found.get("outputs", {}).items()}
        tuned = run_records.TUNE in found.get("set", {})
        dag = found.get("dag") or (f"{before.name}_tuned" if tuned else before.name)
        write_text_atomically(path, json.dumps({**found, "outputs": moved, "dag": dag}, indent=1) + "\n")


def _moved(value: object, before: str, after: str) -> object:
    if isinstance(value, list):
        return [_moved(one, before, after) for one in value]
    return after + value.removeprefix(before) if isinstance(value, str) and value.startswith(before) else value


def _send_all(project: Project) -> str:
    """Send what is still to be tracked, since it has the old name. Gives the address of MLflow, or nothing.

    Raises ProjectError where it cannot be sent.
    """
    with looking_at(project):
        from airflow_mlcraft.hooks.mlflow import open_tracking

        tracking = open_tracking()
        if tracking is None:
            return ""
        if left := tracking.flush(_LIMIT):
            raise ProjectError(f"{left} runs are still to be sent to MLflow", "try again once it answers")
        missing = tracking.uri.startswith(_FILE) and not Path(tracking.uri.removeprefix(_FILE)).is_file()
        return "" if missing else tracking.uri


def _rename_in_mlflow(uri: str, old: str, new: str) -> list[str]:
    """The experiment of the runs and the registered model; where that cannot be, they keep the old name."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    client, done = MlflowClient(uri, uri), []
    try:
        if (experiment := client.get_experiment_by_name(old)) is not None:
            client.rename_experiment(experiment.experiment_id, new)
            done.append(f"the runs in MLflow are in the experiment {new!r}")
        if any(model.name == old for model in client.search_registered_models(f"name = '{old}'")):
            client.rename_registered_model(old, new)
            done.append(f"the registered model {old!r} is called {new!r}")
    except MlflowException as error:
        done.append(f"the rest keeps the name {old!r} in MLflow: {error}")
    return done
