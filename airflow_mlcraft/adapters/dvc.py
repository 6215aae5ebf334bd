"""Internals of DVC: repositories, their configuration and pushes. Its documented Python API, `dvc.api`, only reads.

DVC is imported in the functions, as it takes a while; `dvc.config` alone takes little.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class DvcError(Exception):
    """An error of DVC, with its message."""


def create_repository(folder: Path) -> None:
    """Create a DVC repository in a git repository, without DVC's hints on next steps. Raises `DvcError`."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with _without_hints():
            Repo.init(str(folder)).close()
    except DvcException as error:
        raise DvcError(str(error)) from error


def read_config(dvc_folder: Path) -> dict[str, Any]:
    """The configuration of a repository by its folder `.dvc`, of all levels. Raises `DvcError`."""
    from dvc.config import Config, ConfigError

    try:
        return dict(Config(str(dvc_folder)))
    except ConfigError as error:
        raise DvcError(str(error)) from error


def set_default_remote(dvc_folder: Path, name: str, url: str, options: Mapping[str, Any]) -> None:
    """Set the remote that data is pushed to; `options` are written to the file that git ignores. Raises `DvcError`."""
    from dvc.config import Config, ConfigError

    try:
        config = Config(str(dvc_folder), validate=True)
        with config.edit("repo") as found:
            found["core"]["remote"] = name
            found["remote"][name] = {"url": url}
        if options:
            with config.edit("local") as found:
                found["remote"][name] = dict(options)
    except ConfigError as error:
        raise DvcError(str(error)) from error


def push_objects(root: Path, remote: str, oids: Sequence[str], options: Mapping[str, Any]) -> int:
    """Push objects of a repository's cache, folders with their files. Returns how many were sent.

    Any error of the remote is raised, each kind of remote has its own; `OSError` where objects were refused.
    """
    from dvc.repo import Repo
    from dvc_data.hashfile.db import get_index
    from dvc_data.hashfile.hash_info import HashInfo

    with Repo(str(root), remote=remote, remote_config=dict(options)) as repo:
        remote_odb = repo.cloud.get_remote_odb(remote, "push")
        with _collect_transfer_errors() as errors:
            result = repo.cloud.transfer(
                repo.cache.local,
                remote_odb,
                [HashInfo("md5", oid) for oid in oids],
                dest_index=get_index(remote_odb),
                cache_odb=repo.cache.local,
                shallow=False,
            )
        if result.failed:
            raise OSError(
                f"{len(result.failed)} objects were refused: {errors[0] if errors else 'it does not say why'}"
            )
    return len(result.transferred)


def download_from_repository(url: str, path: str, target: Path, revision: str) -> None:
    """Fetch a file or folder of a git repository with `.dvc` files, as it was at a revision."""
    from dvc.repo import Repo

    Repo.get(url, path, out=str(target), rev=revision)


@contextmanager
def _without_hints() -> Iterator[None]:
    logger = logging.getLogger("dvc")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextmanager
def _collect_transfer_errors() -> Iterator[list[str]]:
    """The errors that DVC logs for each object, collected instead of logged with their tracebacks."""
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
