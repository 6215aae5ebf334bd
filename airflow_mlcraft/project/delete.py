"""The verb `delete`: removal of a project's folder; what is outside of it stays."""

from __future__ import annotations

import contextlib
import secrets
import shutil

from airflow_mlcraft.common.files import translate_os_errors
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.project import external_resources, manifest, serve
from airflow_mlcraft.project.project_paths import HIDDEN_FOLDER, Project, projects_of
from airflow_mlcraft.project.repository import read_remote
from airflow_mlcraft.serving.process import local_server


def delete_project(project: Project) -> list[str]:
    """Stop the server and delete the folder. Returns what remains outside of the folder."""
    remaining = list_remaining(project)
    if local_server.find_running(serve.deployment_folder(project)) is not None:
        serve.stop(project)
    hidden_folder = projects_of(project).root / HIDDEN_FOLDER
    with translate_os_errors(project.folder):
        hidden_folder.mkdir(exist_ok=True)
        # One move hides the folder first, so no half-deleted project is visible. The next `init` removes leftovers.
        deleted_folder = hidden_folder / f"deleted-{secrets.token_hex(4)}"
        project.folder.rename(deleted_folder)
    shutil.rmtree(deleted_folder, ignore_errors=True)
    return remaining


def list_remaining(project: Project) -> list[str]:
    """What a deletion leaves, because it is outside of the project's folder."""
    remaining = []
    with contextlib.suppress(MlcraftError):
        project_manifest = manifest.read_manifest(project)
        where = f"DagsHub, {project_manifest.dagshub}" if project_manifest.dagshub else project_manifest.tracking_uri
        remaining.append(
            f"the runs and models in MLflow ({where or projects_of(project).tracking_folder / 'mlflow.db'})"
        )
    if remote := read_remote(project.folder):
        remaining.append(f"the data in the DVC remote ({remote})")
    remaining += [
        f"{resource}; {removal}" if removal else resource
        for resource, removal in external_resources.read_resources(project).items()
    ]
    return remaining
