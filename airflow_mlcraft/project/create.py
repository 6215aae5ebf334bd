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
from airflow_mlcraft.project.project_paths import HIDDEN, MANIFEST, Project, Projects
from airflow_mlcraft.project.repository import first_commit, make_repository
from airflow_mlcraft.project.source_profile import stored_source

FOLDERS = ("data", "models", "reports", "logs")
_COPIED = {
    "retriever.py": "retriever.py",
    "processor.py": "processor.py",
    "requirements.txt": "requirements.txt",
    "gitignore": ".gitignore",
}


def create(
    projects: Projects,
    name: str,
    prediction: str,
    *,
    source: str = "",
    target: str = "",
    values: Mapping[str, Any] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Project:
    """Make a project; without a source it has data of scikit-learn's, so that it can be tried at once.

    `values` are further values of mlcraft.toml, by their dotted names.
    """
    if prediction not in manifests.PREDICTIONS:
        raise ProjectError(
            f"there is no prediction type {prediction!r}", f"expected {' or '.join(manifests.PREDICTIONS)}"
        )
    project = projects.free(name)
    hidden = projects.root / HIDDEN
    with translate_os_errors(projects.root):
        hidden.mkdir(parents=True, exist_ok=True)
        _sweep(hidden)
        room = Path(tempfile.mkdtemp(prefix="new-", dir=hidden))
        try:
            # Under its own name already: the documents have it inside.
            draft = Project(room / name)
            draft.folder.mkdir()
            say("writing the files")
            stored = stored_source(project, source) if source else manifests.SOURCES[prediction]
            _write_files(draft, prediction, stored, target, values or {})
            write_documents(draft, manifests.read(draft), home=project)
            say("making the git and DVC repository")
            make_repository(draft.folder)
            first_commit(draft.folder, f"Begin {name}")
            draft.folder.rename(project.folder)
        finally:
            shutil.rmtree(room, ignore_errors=True)
    return project


def template(name: str) -> str:
    """The text of a file that projects begin with."""
    return (resources.files("airflow_mlcraft.project") / "templates" / name).read_text("utf-8")


def model_template(prediction: str) -> str:
    """The model.py that a type of prediction begins with."""
    return template(f"{prediction}_model.py")


def _write_files(project: Project, prediction: str, source: str, target: str, more: Mapping[str, Any]) -> None:
    values = {
        "title": manifests.title_of(project.name),
        "prediction": prediction,
        "data.sources": [source],
        "data.target": target or "target",
        "train.models": manifests.TASKS[prediction],
        **more,
    }
    project.manifest.write_text(manifests.changed(template(MANIFEST), values), "utf-8")
    for here, there in _COPIED.items():
        (project.folder / there).write_text(template(here), "utf-8")
    (project.folder / "model.py").write_text(model_template(prediction), "utf-8")
    project.secrets.touch(env_file.MODE)
    project.secrets.chmod(env_file.MODE)
    project.secrets.write_text(template("env"), "utf-8")
    for folder in FOLDERS:
        (project.folder / folder).mkdir()
        (project.folder / folder / ".gitkeep").touch()


def _sweep(hidden: Path) -> None:
    """What was left by somebody who was killed."""
    for left in [*hidden.glob("new-*"), *hidden.glob("deleted-*")]:
        shutil.rmtree(left, ignore_errors=True)
