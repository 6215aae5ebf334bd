"""Working folders on the store's own file system, so that results can be hardlinked into the store.

A name below `tmp` says which process it belongs to. On the machine of that process it is removed once the process is
dead. Another machine that shares the store cannot know that: it goes by the lease, which the process renews while it
lives, and removes what has not been renewed for a day.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

logger = logging.getLogger(__name__)

TEMPORARY = "tmp"
"""The folder below the root of a store for what is being made or worked on."""


LEASE = 86400.0
"""Seconds after which what another machine has not renewed counts as left behind."""
_RENEWAL = 60.0
_OURS = re.compile(r"[\w.]+-\d+(\.\d+)?-[0-9a-f]{16}(\.tmp)?", re.ASCII)


class WorkFolder:
    """A folder `<root>/tmp/<host>-<process>-<random>` for as long as the block lasts."""

    def __init__(self, root: str | os.PathLike[str]):
        self.path = Path(root).absolute() / TEMPORARY / unique_name()
        self._ended = threading.Event()

    def __enter__(self) -> Path:
        remove_stale_folders(self.path.parent.parent)
        self.path.mkdir(parents=True)
        threading.Thread(target=self._renew, name="work-folder", daemon=True).start()
        return self.path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        try:
            remove_path(self.path)
        except OSError as trouble:
            # A tool that ran as another user may leave what is not ours to remove; the results are kept.
            logger.warning("The working folder %s could not be removed: %s", self.path, trouble)

    def _renew(self) -> None:
        """Renew the lease, which is the time of the folder itself: what is made deeper inside does not change it."""
        while not self._ended.wait(_RENEWAL):
            with suppress(OSError):
                os.utime(self.path)


def remove_stale_folders(root: str | os.PathLike[str]) -> None:
    """Remove what dead processes (`kill -9`) left below `<root>/tmp`."""
    folder = Path(root) / TEMPORARY
    try:
        found = [path for path in folder.iterdir() if _OURS.fullmatch(path.name)]
    except FileNotFoundError:
        return
    now: float | None = None
    for path in found:
        if _is_of_this_host(path.name):
            left = not _is_alive(path.name)
        else:
            now = _time_of_file_system(folder) if now is None else now
            left = _renewed(path) < now - LEASE
        if left:
            try:
                remove_path(path)
            except OSError as trouble:
                logger.warning("%s was left behind and could not be removed: %s", path, trouble)


def remove_path(path: Path) -> None:
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
    """A name below `<root>/tmp` that tells whose it is: the machine, the process and when that has begun."""
    return f"{_host()}-{_process(os.getpid())}-{os.urandom(8).hex()}"


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
    """Where a process number has a meaning: this boot of this machine and, in a container, its process namespace.

    Not the host's name alone: images and charts give one name to many, and the first process namespace of every
    machine has the same number.
    """
    try:
        machine = Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "")
    except OSError:
        machine = re.sub(r"[^\w.]", "_", os.uname().nodename)
    try:
        return f"{machine}.{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return machine


@cache
def _process(pid: int) -> str:
    """This process, by its number and its begin; names are made by the thousand."""
    return f"{pid}.{_begin_of(pid)}"


def _begin_of(pid: int) -> str:
    """When a process has begun, in ticks since the boot; "0" where that is not known."""
    try:
        # The name of the program, in parentheses, may have spaces and parentheses itself.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "0"


def _is_of_this_host(name: str) -> bool:
    return name.startswith(f"{_host()}-")


def _is_alive(name: str) -> bool:
    """Whether the very process lives that has given a name; another may have its number by now."""
    pid, _, begin = name.split("-")[-2].partition(".")
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return begin in ("", "0", _begin_of(int(pid)))


def _renewed(path: Path) -> float:
    """When the lease was renewed last. A file has none: it is written, or linked, and gone."""
    try:
        state = path.lstat()
    except FileNotFoundError:
        return float("inf")
    return state.st_mtime if path.is_dir() else max(state.st_mtime, state.st_ctime)


def _time_of_file_system(folder: Path) -> float:
    """Now, by the clock that gives files their times: a file server's may differ from this machine's."""
    probe = folder / unique_name()
    try:
        probe.touch()
        return probe.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)
