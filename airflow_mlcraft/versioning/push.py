"""Objects to the repository's DVC remote, by DVC's own machinery, which knows all kinds of remotes.

What is to be pushed is noted first and struck off when it is there, so that a later run pushes what an earlier one
could not. There is no repository-wide lock: pushing an object twice does no harm.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.common.urls import remove_userinfo
from airflow_mlcraft.errors import VersioningError

if TYPE_CHECKING:
    from airflow_mlcraft.versioning.repository import Repository


@dataclass(frozen=True)
class Remote:
    """The remote that a connection names instead of the default one, and what opens it."""

    name: str = ""
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def name_in(self, repository: Repository) -> str:
        """The remote's name in a repository; "" where it has none."""
        return self.name or str(repository.config["core"].get("remote") or "")


def push(repository: Repository, oids: Mapping[str, str], remote: Remote) -> int | None:
    """Push objects, each to the remote named beside it ("" for the default), and those left from earlier.

    Gives how many objects had to be sent; None where there is no remote. After an error, a later call goes on.
    """
    notes = repository.own / "unpushed"
    notes.mkdir(parents=True, exist_ok=True)
    default = remote.name_in(repository)
    for oid, name in oids.items():
        if name or default:
            (notes / oid).write_text(name or default)
    waiting: dict[str, list[str]] = {}
    for note in sorted(notes.iterdir()):
        waiting.setdefault(note.read_text() or default, []).append(note.name)
    sent = 0
    for name, found in waiting.items():
        sent += _push(repository, name, found, remote.options if name == default else {})
        for oid in found:
            (notes / oid).unlink(missing_ok=True)
    return sent if waiting else None


def _push(repository: Repository, name: str, oids: list[str], options: Mapping[str, Any]) -> int:
    from dvc.repo import Repo
    from dvc_data.hashfile.db import get_index
    from dvc_data.hashfile.hash_info import HashInfo

    with _explained(name), Repo(str(repository.root), remote=name, remote_config=dict(options)) as repo:
        there = repo.cloud.get_remote_odb(name, "push")
        with _refusals() as refused:
            result = repo.cloud.transfer(
                repo.cache.local,
                there,
                [HashInfo("md5", oid) for oid in oids],
                dest_index=get_index(there),
                cache_odb=repo.cache.local,
                # A folder is pushed with its files.
                shallow=False,
            )
        if result.failed:
            raise OSError(
                f"{len(result.failed)} objects were refused: {refused[0] if refused else 'it does not say why'}"
            )
    return len(result.transferred)


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Each kind of remote has errors of its own."""
    try:
        yield
    except Exception as error:
        said = remove_userinfo(str(error) or type(error).__name__).strip().rstrip(".")
        raise VersioningError(
            f"the data could not be pushed to the DVC remote {name}: {said}. It is in the cache, and its pointers are "
            "committed; the next run, or `dvc push`, pushes it",
            temporary=True,
        ) from error


@contextmanager
def _refusals() -> Iterator[list[str]]:
    """What DVC would log with a stack, object by object."""
    heard: list[str] = []

    def listen(record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if error is not None:
            heard.append(f"{type(error).__name__}: {error}")
        return error is None

    logger = logging.getLogger("dvc_data.hashfile.transfer")
    logger.addFilter(listen)
    try:
        yield heard
    finally:
        logger.removeFilter(listen)
