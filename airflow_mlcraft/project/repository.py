"""The git and DVC repository of a project: creation, commits, and the DVC remote."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_mlcraft.errors import ProjectError, VersioningError
from airflow_mlcraft.versioning.git import Git

REMOTE_NAME = "origin"


def create_repository(folder: Path) -> None:
    """Create a git repository, and DVC in it."""
    git = Git(folder)
    try:
        git.run("init", "--quiet", "--initial-branch=main")
    except VersioningError as error:
        raise ProjectError(
            f"the project's git repository cannot be made: {error}", "`mlcraft doctor` says what is missing"
        ) from error
    from airflow_mlcraft.adapters import dvc

    try:
        dvc.create_repository(folder)
    except dvc.DvcError as error:
        raise ProjectError(f"the project's DVC repository cannot be made: {error}") from error


def commit_all(folder: Path, message: str) -> None:
    """Commit all files that git does not ignore, with the user's name if git has one."""
    git = Git(folder)
    git.run("add", "--all")
    commit = git.commit_tree(git.text("write-tree"), None, f"{message}\n")
    git.run("update-ref", "HEAD", commit)


def read_head_commit(folder: Path) -> str:
    """The commit of HEAD; empty if there is none."""
    return Git(folder).run_or_none("rev-parse", "HEAD") or ""


def set_remote(folder: Path, url: str, options: Mapping[str, Any] | None = None) -> None:
    """Set the DVC remote that data is pushed to; `options` are written to the file that git ignores."""
    from airflow_mlcraft.adapters.dvc import DvcError, set_default_remote

    try:
        set_default_remote(folder / ".dvc", REMOTE_NAME, url, options or {})
    except DvcError as error:
        raise ProjectError(f"{url} cannot be the DVC remote: {error}") from error


def read_remote(folder: Path) -> str:
    """The address of the DVC remote; empty if there is none."""
    from airflow_mlcraft.adapters.dvc import DvcError, read_config

    try:
        config = read_config(folder / ".dvc")
    except DvcError:
        return ""
    name = config["core"].get("remote")
    return str(config["remote"].get(name, {}).get("url", "")) if name else ""
