"""A clone of a remote git repository: updated before a commit, and pushed after it."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from airflow_mlcraft.common.locks import locked
from airflow_mlcraft.common.urls import host_and_port, without_userinfo
from airflow_mlcraft.errors import VersioningError
from airflow_mlcraft.store.task_folders import remove_path, unique_name
from airflow_mlcraft.versioning.git import Git
from airflow_mlcraft.versioning.repository import Repository, find_repository


@dataclass(frozen=True)
class Origin:
    """The URL of a git repository, and credentials, which are passed to git only by environment variables."""

    url: str
    login: str = ""
    password: str = field(default="", repr=False)

    @property
    def public_url(self) -> str:
        """The URL without its user and password, if it has a password."""
        return without_userinfo(self.url) if urlsplit(self.url).password else self.url

    def git_config(self) -> dict[str, str]:
        """Git configuration with the credentials, for HTTP."""
        parts = urlsplit(self.url)
        login, password = self.login or unquote(parts.username or ""), self.password or unquote(parts.password or "")
        if not password or parts.scheme not in ("http", "https"):
            return {}
        credentials = b64encode(f"{login or 'git'}:{password}".encode()).decode()
        return {f"http.{parts.scheme}://{host_and_port(self.url)}/.extraHeader": f"Authorization: Basic {credentials}"}


@dataclass(frozen=True)
class Clone:
    """A clone that only this package writes to."""

    repository: Repository

    def update(self) -> None:
        """Reset the branch to that of the origin."""
        git = self.repository.git
        _run_network_command(git, "fetch", "--quiet", "--prune", "origin")
        git.run("reset", "--quiet", "--hard", "@{upstream}")

    def publish(self) -> bool:
        """Push the branch; return False if the origin has newer commits."""
        git = self.repository.git
        try:
            _run_network_command(git, "push", "--quiet", "origin", "HEAD")
        except VersioningError:
            _run_network_command(git, "fetch", "--quiet", "origin")
            if git.run_or_none("merge-base", "--is-ancestor", "@{upstream}", "HEAD") is None:
                return False
            raise
        return True


def open_clone(origin: Origin, folder: Path) -> Clone:
    """Return the clone of a repository below a folder; clones it if it is missing."""
    path = folder / hashlib.sha256(origin.public_url.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with locked(Path(f"{path}.lock")):
        if not path.is_dir():
            temporary = folder / f"new-{unique_name()}"
            try:
                _run_network_command(
                    Git(folder, origin.git_config()), "clone", "--quiet", origin.public_url, str(temporary)
                )
                temporary.replace(path)
            finally:
                remove_path(temporary)
    return Clone(find_repository(path, Git(path, origin.git_config())))


def _run_network_command(git: Git, *arguments: str) -> None:
    """Run a command that uses the network; its errors are temporary."""
    try:
        git.run(*arguments)
    except VersioningError as error:
        raise VersioningError(str(error), temporary=True) from error
