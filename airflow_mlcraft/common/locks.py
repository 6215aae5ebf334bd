"""Locks between processes: `flock` on a file, released by the kernel when its process ends, however it ends.

A lock file is opened for writing and is not truncated. NFS turns `flock` into a lock of a range of bytes, and refuses
an exclusive one (EBADF) of a file that is open for reading only, as a folder always is.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

_RETRY_SECONDS = 0.01


@contextmanager
def locked(path: Path) -> Iterator[IO[str]]:
    """Wait for the exclusive lock of a file, and hold it for the block. The file is open for reading and appending."""
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


@contextmanager
def locked_if_free(path: Path) -> Iterator[IO[str] | None]:
    """Hold the exclusive lock of a file for the block, without waiting; gives None if another process has it."""
    with path.open("a+") as file:
        yield file if try_lock(file) else None


def try_lock(file: int | IO[Any], *, shared: bool = False) -> bool:
    """Lock an open file without waiting, until it is closed; False where another process holds the lock."""
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def temporary_lock(path: Path, timeout: float) -> Iterator[bool]:
    """Hold the exclusive lock of a file that is removed after the block; False when the timeout has passed."""
    descriptor = _open_temporary_lock(path, timeout)
    if descriptor is None:
        yield False
        return
    try:
        yield True
    finally:
        # Removed while it is locked: a process that waits for it sees that the path has another file, or none.
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _open_temporary_lock(path: Path, timeout: float) -> int | None:
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            if try_lock(descriptor) and os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except FileNotFoundError:
            pass
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)
        time.sleep(_RETRY_SECONDS)
    return None
