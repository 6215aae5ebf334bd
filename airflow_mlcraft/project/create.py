"""A new project: its files, its git and DVC repository, its first commit. It is there whole, or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from airflow_mlcraft.common.files import translate_os_errors
from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import env_file
from airflow_mlcraft.project import manifest as manifests
from airflow_mlcraft.project.documents import write_documents
from airflow_mlcraft.project.project_paths import HIDDEN_FOLDER, MANIFEST, Project, Projects
from airflow_mlcraft.project.repository import commit_all, create_repository
from airflow_mlcraft.project.source_profile import source_for_manifest

PROJECT_FOLDERS = ("data", "models", "reports", "logs")
_COPIED_TEMPLATES = {
    "retriever.py": "retriever.py",
    "processor.py": "processor.py",
    "requirements.txt": "requirements.txt",
    "gitignore": ".gitignore",
}


def create_project(
    projects: Projects,
    name: str,
    prediction: str,
    *,
    source: str = "",
    target: str = "",
    values: Mapping[str, Any] | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> Project:
    """Make a project; without a source it has data of scikit-learn's, so that it can be tried at once.

    `values` are further values of mlcraft.toml, by their dotted names.
    """
    if prediction not in manifests.PREDICTION_TYPES:
        raise ProjectError(
            f"there is no prediction type {prediction!r}", f"expected {' or '.join(manifests.PREDICTION_TYPES)}"
        )
    project = projects.new_project(name)
    hidden_folder = projects.root / HIDDEN_FOLDER
    with translate_os_errors(projects.root):
        hidden_folder.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(hidden_folder)
        draft_folder = Path(tempfile.mkdtemp(prefix="new-", dir=hidden_folder))
        try:
            # Under its own name already: the documents have it inside.
            draft = Project(draft_folder / name)
            draft.folder.mkdir()
            report("writing the files")
            stored_source = source_for_manifest(project, source) if source else manifests.SAMPLE_SOURCES[prediction]
            _write_files(draft, prediction, stored_source, target, values or {})
            write_documents(draft, manifests.read_manifest(draft), final_project=project)
            report("making the git and DVC repository")
            create_repository(draft.folder)
            commit_all(draft.folder, f"Begin {name}")
            draft.folder.rename(project.folder)
        finally:
            shutil.rmtree(draft_folder, ignore_errors=True)
    return project


def read_template(name: str) -> str:
    """The text of a file that projects begin with."""
    return (resources.files("airflow_mlcraft.project") / "templates" / name).read_text("utf-8")


def read_model_template(prediction: str) -> str:
    """The model.py that a type of prediction begins with."""
    return read_template(f"{prediction}_model.py")


def _write_files(project: Project, prediction: str, source: str, target: str, extra: Mapping[str, Any]) -> None:
    values = {
        "title": manifests.title_from_name(project.name),
        "prediction": prediction,
        "data.sources": [source],
        "data.target": target or "target",
        "train.models": manifests.DEFAULT_MODELS[prediction],
        **extra,
    }
    project.manifest.write_text(manifests.change_text(read_template(MANIFEST), values), "utf-8")
    for template_name, file_name in _COPIED_TEMPLATES.items():
        (project.folder / file_name).write_text(read_template(template_name), "utf-8")
    (project.folder / "model.py").write_text(read_model_template(prediction), "utf-8")
    project.secrets.touch(env_file.MODE)
    project.secrets.chmod(env_file.MODE)
    project.secrets.write_text(read_template("env"), "utf-8")
    for folder in PROJECT_FOLDERS:
        (project.folder / folder).mkdir()
        (project.folder / folder / ".gitkeep").touch()


def _remove_leftovers(hidden: Path) -> None:
    """What was left by somebody who was killed."""
    for path in [*hidden.glob("new-*"), *hidden.glob("deleted-*")]:
        shutil.rmtree(path, ignore_errors=True)
