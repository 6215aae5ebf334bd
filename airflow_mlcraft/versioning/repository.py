"""The DVC repository in which data is versioned, inside of a git repository."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from airflow_mlcraft.errors import VersioningError
from airflow_mlcraft.store.task_folders import TEMPORARY
from airflow_mlcraft.versioning.git import Git

_REMEDY = "make one with `git init && dvc init` in the project's folder, and commit"


@dataclass(frozen=True)
class Repository:
    """A DVC repository inside of a git repository; both may be the same folder."""

    root: Path
    """The folder that has `.dvc`."""
    git: Git
    """Git, at the top of its work tree."""
    git_dir: Path
    common_dir: Path
    """The git folder that all work trees of the repository share."""

    @property
    def prefix(self) -> str:
        """The prefix of the DVC repository's paths in git: "", or its folder and a slash."""
        inside = self.root.relative_to(self.git.folder).as_posix()
        return "" if inside == "." else f"{inside}/"

    @cached_property
    def name(self) -> str:
        """The name of the git repository's origin, or else of its folder."""
        origin = (self.git.run_or_none("config", "remote.origin.url") or "").rstrip("/")
        return origin.replace("\\", "/").rpartition("/")[2].rpartition(":")[2].removesuffix(".git") or (
            self.git.folder.name
        )

    @cached_property
    def config(self) -> dict[str, Any]:
        """The configuration of DVC, merged from all levels."""
        from airflow_mlcraft.adapters.dvc import DvcError, read_config

        try:
            return read_config(self.root / ".dvc")
        except DvcError as error:
            raise VersioningError(f"the configuration of DVC in {self.root} cannot be read: {error}") from error

    @property
    def cache(self) -> Path:
        """The folder of the objects."""
        return Path(self.config["cache"].get("dir") or self.root / ".dvc" / "cache")

    @property
    def state_folder(self) -> Path:
        """The folder for this package's own files, which git ignores."""
        return self.root / ".dvc" / "tmp" / "mlcraft"

    @property
    def temporary(self) -> Path:
        """The folder for temporary files, on the file system of the repository."""
        return self.state_folder / TEMPORARY


def find_repository(folder: Path, git: Git | None = None) -> Repository:
    """Find the repository that contains a folder; raises `VersioningError` if there is none."""
    if not folder.is_dir():
        raise VersioningError(f"there is no folder {folder} for versions of data")
    git = (git or Git(folder)).in_folder(folder.resolve())
    bare = git.run_or_none("rev-parse", "--is-bare-repository")
    if bare is None:
        raise VersioningError(_explain_no_repository(git))
    if bare == "true":
        raise VersioningError(f"{folder} is a bare git repository, without files; name a clone of it instead")
    top, git_dir, common = git.text(
        "rev-parse", "--path-format=absolute", "--show-toplevel", "--git-dir", "--git-common-dir"
    ).split("\n")
    root = next((place for place in [git.folder, *git.folder.parents] if (place / ".dvc").is_dir()), None)
    if root is None or not root.is_relative_to(top):
        raise VersioningError(f"{folder} is in the git repository {top}, which is no DVC repository: run `dvc init`")
    return Repository(root, git.in_folder(Path(top)), Path(git_dir), Path(common))


def _explain_no_repository(git: Git) -> str:
    try:
        git.run("rev-parse", "--git-dir")
    except VersioningError as error:
        if "not a git repository" not in str(error):
            return str(error)
    return f"{git.folder} is in no git repository, so no data can be versioned there: {_REMEDY}"
