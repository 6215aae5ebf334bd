"""`copy`: another project with the same code, settings and keys; without the runs, models and data of the first."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from airflow_mlcraft.common.files import translate_os_errors
from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import manifest as manifests
from airflow_mlcraft.project.create import FOLDERS
from airflow_mlcraft.project.project_paths import HIDDEN, Project, projects_of
from airflow_mlcraft.project.rename import set_name
from airflow_mlcraft.project.repository import first_commit, make_repository
from airflow_mlcraft.project.run_inputs import is_local
from airflow_mlcraft.versioning.git import Git


def copy(project: Project, name: str) -> Project:
    """Make the copy; it is there whole, or not at all."""
    manifest = manifests.read(project)
    made = projects_of(project).free(name)
    hidden = projects_of(project).root / HIDDEN
    with translate_os_errors(hidden):
        hidden.mkdir(parents=True, exist_ok=True)
        room = Path(tempfile.mkdtemp(prefix="new-", dir=hidden))
        try:
            draft = Project(room / name)
            draft.folder.mkdir()
            for path in sorted(set(_files(project, manifest))):
                target = draft.folder / path.relative_to(project.folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target)
            for folder in FOLDERS:
                (draft.folder / folder).mkdir(exist_ok=True)
                (draft.folder / folder / ".gitkeep").touch()
            make_repository(draft.folder)
            configuration = project.folder / ".dvc" / "config"
            if configuration.is_file():
                shutil.copy2(configuration, draft.folder / ".dvc" / "config")
            draft.folder.rename(made.folder)
        finally:
            shutil.rmtree(room, ignore_errors=True)
    try:
        set_name(made, project.name)
        first_commit(made.folder, f"Begin {name} as a copy of {project.name}")
    except BaseException:
        shutil.rmtree(made.folder, ignore_errors=True)
        raise
    return made


def _files(project: Project, manifest: manifests.Manifest) -> Iterator[Path]:
    """What the user has written: all that git does not ignore, his keys, and sources in the project's folder."""
    listed = Git(project.folder).ask("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listed is None:
        raise ProjectError(f"{project.folder} is in no git repository", "run `git init` there first")
    hidden = (".git", ".dvc", HIDDEN, *FOLDERS)
    for name in filter(None, listed.split("\0")):
        path = project.folder / name
        if Path(name).parts[0] not in hidden and path.is_file():
            yield path
    if project.secrets.is_file():
        yield project.secrets
    for source in manifest.sources:
        if is_local(source):
            path = Path(os.path.normpath(project.folder / source))
            if path.is_relative_to(project.folder) and path.is_file():
                yield path
