"""Push of objects to the DVC remote of a repository, by DVC itself, which supports all kinds of remotes.

Each object has a note file until it is pushed, so that a later run pushes it after a failure. There is no
repository-wide lock: pushing an object twice does no harm.
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
    """The name of a DVC remote, if not the default one, and its options, which include credentials."""

    name: str = ""
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def get_name(self, repository: Repository) -> str:
        """Return the remote's name in a repository; "" if the repository has no default remote."""
        return self.name or str(repository.config["core"].get("remote") or "")


def push(repository: Repository, oids: Mapping[str, str], remote: Remote) -> int | None:
    """Push objects, each to its remote ("" for the default), and those that an earlier call could not push.

    Returns how many objects were sent; None if there is no remote. After an error, a later call continues.
    """
    notes = repository.state_folder / "unpushed"
    notes.mkdir(parents=True, exist_ok=True)
    default = remote.get_name(repository)
    for oid, name in oids.items():
        if name or default:
            (notes / oid).write_text(name or default)
    unpushed: dict[str, list[str]] = {}
    for note in sorted(notes.iterdir()):
        unpushed.setdefault(note.read_text() or default, []).append(note.name)
    sent = 0
    for name, found in unpushed.items():
        sent += _push(repository, name, found, remote.options if name == default else {})
        for oid in found:
            (notes / oid).unlink(missing_ok=True)
    return sent if unpushed else None


def _push(repository: Repository, name: str, oids: list[str], options: Mapping[str, Any]) -> int:
    from dvc.repo import Repo
    from dvc_data.hashfile.db import get_index
    from dvc_data.hashfile.hash_info import HashInfo

    with _translate_errors(name), Repo(str(repository.root), remote=name, remote_config=dict(options)) as repo:
        remote_odb = repo.cloud.get_remote_odb(name, "push")
        with _collect_errors() as errors:
            result = repo.cloud.transfer(
                repo.cache.local,
                remote_odb,
                [HashInfo("md5", oid) for oid in oids],
                dest_index=get_index(remote_odb),
                cache_odb=repo.cache.local,
                # A folder is pushed with its files.
                shallow=False,
            )
        if result.failed:
            raise OSError(
                f"{len(result.failed)} objects were refused: {errors[0] if errors else 'it does not say why'}"
            )
    return len(result.transferred)


@contextmanager
def _translate_errors(name: str) -> Iterator[None]:
    """Raise any error of a remote as a `VersioningError`: each kind of remote has its own errors."""
    try:
        yield
    except Exception as error:
        message = remove_userinfo(str(error) or type(error).__name__).strip().rstrip(".")
        raise VersioningError(
            f"the data could not be pushed to the DVC remote {name}: {message}. It is in the cache, and its pointers "
            "are committed; the next run, or `dvc push`, pushes it",
            temporary=True,
        ) from error


@contextmanager
def _collect_errors() -> Iterator[list[str]]:
    """Collect the errors that DVC logs for each object, instead of logging them with tracebacks."""
    errors: list[str] = []

    def collect(record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if error is not None:
            errors.append(f"{type(error).__name__}: {error}")
        return error is None

    logger = logging.getLogger("dvc_data.hashfile.transfer")
    logger.addFilter(collect)
    try:
        yield errors
    finally:
        logger.removeFilter(collect)
