"""The verb `copy`: a new project with the code, settings and keys of another, without its runs, models and data."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from airflow_mlcraft.common.files import translate_os_errors
from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import manifest as manifests
from airflow_mlcraft.project.create import PROJECT_FOLDERS
from airflow_mlcraft.project.project_paths import HIDDEN_FOLDER, Project, projects_of
from airflow_mlcraft.project.rename import change_name
from airflow_mlcraft.project.repository import commit_all, create_repository
from airflow_mlcraft.project.run_inputs import is_local_path
from airflow_mlcraft.versioning.git import Git


def copy_project(project: Project, name: str) -> Project:
    """Copy a project under a new name. A failure leaves no incomplete copy."""
    manifest = manifests.read_manifest(project)
    new = projects_of(project).new_project(name)
    hidden_folder = projects_of(project).root / HIDDEN_FOLDER
    with translate_os_errors(hidden_folder):
        hidden_folder.mkdir(parents=True, exist_ok=True)
        draft_folder = Path(tempfile.mkdtemp(prefix="new-", dir=hidden_folder))
        try:
            draft = Project(draft_folder / name)
            draft.folder.mkdir()
            for path in sorted(set(_user_files(project, manifest))):
                target = draft.folder / path.relative_to(project.folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target)
            for folder in PROJECT_FOLDERS:
                (draft.folder / folder).mkdir(exist_ok=True)
                (draft.folder / folder / ".gitkeep").touch()
            create_repository(draft.folder)
            configuration = project.folder / ".dvc" / "config"
            if configuration.is_file():
                shutil.copy2(configuration, draft.folder / ".dvc" / "config")
            draft.folder.rename(new.folder)
        finally:
            shutil.rmtree(draft_folder, ignore_errors=True)
    try:
        change_name(new, project.name)
        commit_all(new.folder, f"Begin {name} as a copy of {project.name}")
    except BaseException:
        shutil.rmtree(new.folder, ignore_errors=True)
        raise
    return new


def _user_files(project: Project, manifest: manifests.Manifest) -> Iterator[Path]:
    """Files that git does not ignore, the file of keys, and data sources in the project's folder."""
    listing = Git(project.folder).run_or_none("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listing is None:
        raise ProjectError(f"{project.folder} is in no git repository", "run `git init` there first")
    skipped = (".git", ".dvc", HIDDEN_FOLDER, *PROJECT_FOLDERS)
    for name in filter(None, listing.split("\0")):
        path = project.folder / name
        if Path(name).parts[0] not in skipped and path.is_file():
            yield path
    if project.secrets.is_file():
        yield project.secrets
    for source in manifest.sources:
        if is_local_path(source):
            path = Path(os.path.normpath(project.folder / source))
            if path.is_relative_to(project.folder) and path.is_file():
                yield path
