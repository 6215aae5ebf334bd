"""Working folders on the store's own file system, so that results can be hardlinked into the store."""

from __future__ import annotations

import logging
import os
import shutil
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

logger = logging.getLogger(__name__)

TEMPORARY = "tmp"
"""The folder below the root of a store for what is being made or worked on."""


class WorkFolder:
    """A folder `<root>/tmp/<host>-<pid>-<random>` for as long as the block lasts."""

    def __init__(self, root: str | os.PathLike[str]):
        self.path = Path(root).absolute() / TEMPORARY / unique_name()

    def __enter__(self) -> Path:
        sweep(self.path.parent.parent)
        self.path.mkdir(parents=True)
        return self.path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            remove(self.path)
        except OSError as trouble:
            # A tool that ran as another user may leave what is not ours to remove; the results are kept.
            logger.warning("The working folder %s could not be removed: %s", self.path, trouble)


def sweep(root: str | os.PathLike[str]) -> None:
    """Remove what processes of this host that are dead (`kill -9`) left below `<root>/tmp`."""
    try:
        found = list((Path(root) / TEMPORARY).iterdir())
    except FileNotFoundError:
        return
    for path in found:
        if _is_left_behind(path.name):
            try:
                remove(path)
            except OSError as trouble:
                logger.warning("%s was left behind and could not be removed: %s", path, trouble)


def remove(path: Path) -> None:
    """Remove a file or a folder, even one that holds read-only folders; it may be gone already."""
    with suppress(FileNotFoundError):
        if path.is_symlink() or not path.is_dir():
            path.unlink()
            return
        try:
            shutil.rmtree(path)
        except PermissionError:
            _unlock_folders(path)
            shutil.rmtree(path)


def unique_name() -> str:
    """A name below `<root>/tmp` that tells whose it is."""
    return f"{_host()}-{os.getpid()}-{os.urandom(8).hex()}"


def _unlock_folders(path: Path) -> None:
    # Folders only: a file in here may be another name of an object of the store, which stays read-only.
    path.chmod(0o700)
    for folder, names, _ in os.walk(path):
        for name in names:
            inner = Path(folder, name)
            if not inner.is_symlink():
                inner.chmod(0o700)


@cache
def _host() -> str:
    """Where a process number has a meaning: the host and, in a container, its own process namespace."""
    name = os.uname().nodename
    try:
        return f"{name}.{Path('/proc/self/ns/pid').stat().st_ino}"
    except FileNotFoundError:
        return name


def _is_left_behind(name: str) -> bool:
    host, _, pid = name.rpartition("-")[0].rpartition("-")
    return host == _host() and pid.isdecimal() and not _is_alive(int(pid))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
