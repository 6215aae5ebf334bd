"""Creation of a project: files from templates, git and DVC repository, first commit.

The project is prepared in a hidden folder and moved at the end, so an interrupted creation leaves nothing.
"""

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
    """Create a project; without a source it uses a data set of scikit-learn's, so that it runs at once.

    `values` are further values of mlcraft.toml by their dotted names; `report` receives a line for each stage.
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
            # The draft has the final name already, because the documents contain it.
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
    """The text of a template file."""
    return (resources.files("airflow_mlcraft.project") / "templates" / name).read_text("utf-8")


def read_model_template(prediction: str) -> str:
    """The template of model.py for a prediction type."""
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
    """Remove drafts and deleted folders of processes that were killed."""
    for path in [*hidden.glob("new-*"), *hidden.glob("deleted-*")]:
        shutil.rmtree(path, ignore_errors=True)
