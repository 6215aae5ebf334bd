"""Working folders on the file system of the store, so that outputs can be hardlinked into the store.

A name below `tmp` tells which process it belongs to. On the machine of that process it is removed once the process is
dead. Another machine that shares the store cannot check that: it uses the lease, which the process renews while it
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
"""The folder below the root of a store for temporary files and working folders."""


LEASE = 86400.0
"""Seconds after which a folder that another machine has not renewed counts as abandoned."""
_RENEWAL_SECONDS = 60.0
_NAME_PATTERN = re.compile(r"[\w.]+-\d+(\.\d+)?-[0-9a-f]{16}(\.tmp)?", re.ASCII)


class WorkFolder:
    """A context manager for a folder `<root>/tmp/<host>-<process>-<random>`."""

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
        except OSError as remove_error:
            # A tool that ran as another user may leave files that cannot be removed; the outputs are kept.
            logger.warning("The working folder %s could not be removed: %s", self.path, remove_error)

    def _renew(self) -> None:
        """Renew the lease, which is the folder's modification time: files deeper inside do not change it."""
        while not self._ended.wait(_RENEWAL_SECONDS):
            with suppress(OSError):
                os.utime(self.path)


def remove_stale_folders(root: str | os.PathLike[str]) -> None:
    """Remove the folders that killed processes left below `<root>/tmp`."""
    folder = Path(root) / TEMPORARY
    try:
        found = [path for path in folder.iterdir() if _NAME_PATTERN.fullmatch(path.name)]
    except FileNotFoundError:
        return
    now: float | None = None
    for path in found:
        if _is_of_this_host(path.name):
            is_stale = not _is_alive(path.name)
        else:
            now = _time_of_file_system(folder) if now is None else now
            is_stale = _last_renewal(path) < now - LEASE
        if is_stale:
            try:
                remove_path(path)
            except OSError as remove_error:
                logger.warning("%s was left behind and could not be removed: %s", path, remove_error)


def remove_path(path: Path) -> None:
    """Remove a file or a folder, even with read-only folders inside; it may be gone already."""
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
    """Return a name below `<root>/tmp` with the machine, the process and the start time of the process."""
    return f"{_host_id()}-{_process_id(os.getpid())}-{os.urandom(8).hex()}"


def _unlock_folders(path: Path) -> None:
    # Folders only: a file in here may be a hardlink of an object of the store, which stays read-only.
    path.chmod(0o700)
    for folder, names, _ in os.walk(path):
        for name in names:
            inner = Path(folder, name)
            if not inner.is_symlink():
                inner.chmod(0o700)


@cache
def _host_id() -> str:
    """Return an id for the scope of process ids: this boot of the machine and, in a container, its process namespace.

    The host name alone is not unique: images and charts give many hosts the same name, and the first process
    namespace of every machine has the same number.
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
def _process_id(pid: int) -> str:
    """Return the process id and start time; cached, because thousands of names are generated."""
    return f"{pid}.{_start_time(pid)}"


def _start_time(pid: int) -> str:
    """Return the start time of a process in ticks since the boot; "0" if it is not known."""
    try:
        # The name of the program, in parentheses, may have spaces and parentheses itself.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "0"


def _is_of_this_host(name: str) -> bool:
    return name.startswith(f"{_host_id()}-")


def _is_alive(name: str) -> bool:
    """Whether the process in a name is alive; its id may belong to another process by now."""
    pid, _, start = name.split("-")[-2].partition(".")
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return start in ("", "0", _start_time(int(pid)))


def _last_renewal(path: Path) -> float:
    """Return when the lease was last renewed; for a file, which has none, its last change."""
    try:
        state = path.lstat()
    except FileNotFoundError:
        return float("inf")
    return state.st_mtime if path.is_dir() else max(state.st_mtime, state.st_ctime)


def _time_of_file_system(folder: Path) -> float:
    """Return the time of the file system's clock: a file server's may differ from this machine's."""
    probe = folder / unique_name()
    try:
        probe.touch()
        return probe.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)
