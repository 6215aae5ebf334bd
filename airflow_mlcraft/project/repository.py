"""The git and DVC repository of a project: creation, commits, and the DVC remote."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
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
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with _without_hints("dvc"):
            Repo.init(str(folder)).close()
    except DvcException as error:
        raise ProjectError(f"the project's DVC repository cannot be made: {error}") from error


@contextlib.contextmanager
def _without_hints(name: str) -> Iterator[None]:
    """Suppress DVC's hints on next steps with git, which are done already."""
    logger = logging.getLogger(name)
    previous_level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(previous_level)


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
    from dvc.config import Config, ConfigError

    try:
        config = Config(str(folder / ".dvc"), validate=True)
        with config.edit("repo") as found:
            found["core"]["remote"] = REMOTE_NAME
            found["remote"][REMOTE_NAME] = {"url": url}
        if options:
            with config.edit("local") as found:
                found["remote"][REMOTE_NAME] = dict(options)
    except ConfigError as error:
        raise ProjectError(f"{url} cannot be the DVC remote: {error}") from error


def read_remote(folder: Path) -> str:
    """The address of the DVC remote; empty if there is none."""
    from dvc.config import Config, ConfigError

    try:
        config = Config(str(folder / ".dvc"))
    except ConfigError:
        return ""
    name = config["core"].get("remote")
    return str(config["remote"].get(name, {}).get("url", "")) if name else ""
