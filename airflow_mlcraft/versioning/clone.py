"""A clone of a git repository that is somewhere else: brought up to date before a commit, and pushed after it."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from airflow_mlcraft.common.locks import locked
from airflow_mlcraft.common.urls import host_and_port, without_userinfo
from airflow_mlcraft.errors import VersioningError
from airflow_mlcraft.store.task_folders import remove, unique_name
from airflow_mlcraft.versioning.git import Git
from airflow_mlcraft.versioning.repository import Repository, repository_at


@dataclass(frozen=True)
class Origin:
    """A git repository's URL, and who asks; the password goes to git in its environment alone."""

    url: str
    login: str = ""
    password: str = field(default="", repr=False)

    @property
    def plain(self) -> str:
        """The URL without a user and password."""
        return without_userinfo(self.url) if urlsplit(self.url).password else self.url

    def secrets(self) -> dict[str, str]:
        """What git is configured with to be let in."""
        parts = urlsplit(self.url)
        login, password = self.login or unquote(parts.username or ""), self.password or unquote(parts.password or "")
        if not password or parts.scheme not in ("http", "https"):
            return {}
        said = b64encode(f"{login or 'git'}:{password}".encode()).decode()
        return {f"http.{parts.scheme}://{host_and_port(self.url)}/.extraHeader": f"Authorization: Basic {said}"}


@dataclass(frozen=True)
class Clone:
    """A clone in which nobody but us works."""

    repository: Repository

    def update(self) -> None:
        """Have the branch as it is at its origin."""
        git = self.repository.git
        _at_origin(git, "fetch", "--quiet", "--prune", "origin")
        git.run("reset", "--quiet", "--hard", "@{upstream}")

    def publish(self) -> bool:
        """Push the branch; False where somebody else was faster."""
        git = self.repository.git
        try:
            _at_origin(git, "push", "--quiet", "origin", "HEAD")
        except VersioningError:
            _at_origin(git, "fetch", "--quiet", "origin")
            if git.ask("merge-base", "--is-ancestor", "@{upstream}", "HEAD") is None:
                return False
            raise
        return True


def clone_of(origin: Origin, folder: Path) -> Clone:
    """The clone of a repository below a folder, made at the first time."""
    place = folder / hashlib.sha256(origin.plain.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with locked(Path(f"{place}.lock")):
        if not place.is_dir():
            new = folder / f"new-{unique_name()}"
            try:
                _at_origin(Git(folder, origin.secrets()), "clone", "--quiet", origin.plain, str(new))
                new.replace(place)
            finally:
                remove(new)
    return Clone(repository_at(place, Git(place, origin.secrets())))


def _at_origin(git: Git, *arguments: str) -> None:
    """What needs the origin may go well another time."""
    try:
        git.run(*arguments)
    except VersioningError as error:
        raise VersioningError(str(error), temporary=True) from error
