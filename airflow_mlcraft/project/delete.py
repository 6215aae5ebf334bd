"""`delete`: the project's folder goes, at once; what is elsewhere stays."""

from __future__ import annotations

import contextlib
import secrets
import shutil

from airflow_mlcraft.common.files import translate_os_errors
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.project import external_resources, manifest, serve
from airflow_mlcraft.project.project_paths import HIDDEN, Project, projects_of
from airflow_mlcraft.project.repository import remote_of
from airflow_mlcraft.serving.process import local_server


def delete(project: Project) -> list[str]:
    """Stop the server and delete the folder; gives what stays."""
    kept = kept_by(project)
    if local_server.running(serve.folder_of(project)) is not None:
        serve.stop(project)
    hidden = projects_of(project).root / HIDDEN
    with translate_os_errors(project.folder):
        hidden.mkdir(exist_ok=True)
        # First out of sight, in one move: half a project is never seen. The next `init` sweeps what is left.
        gone = hidden / f"deleted-{secrets.token_hex(4)}"
        project.folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)
    return kept


def kept_by(project: Project) -> list[str]:
    """What a deletion leaves: it is not in the project's folder."""
    kept = []
    with contextlib.suppress(MlcraftError):
        found = manifest.read(project)
        where = f"DagsHub, {found.dagshub}" if found.dagshub else found.tracking_uri
        kept.append(f"the runs and models in MLflow ({where or projects_of(project).tracking / 'mlflow.db'})")
    if remote := remote_of(project.folder):
        kept.append(f"the data in the DVC remote ({remote})")
    kept += [f"{what}; {removal}" if removal else what for what, removal in external_resources.noted(project).items()]
    return kept
