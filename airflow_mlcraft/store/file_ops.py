"""Atomic linking and copying of files, with errors that name the file."""

# Plain strings: a Path for each of thousands of files costs more than the work itself.
# ruff: noqa: PTH101, PTH103, PTH105, PTH108, PTH116, PTH120, PTH123

from __future__ import annotations

import errno
import os
import shutil
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from airflow_mlcraft.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

READ_ONLY = 0o444
"""The mode of objects. DVC trusts an object of just this mode, and hashes any other again."""

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
CANNOT_LINK = (
    errno.EPERM,  # a file system without hard links, or a file of another user
    errno.EACCES,
    errno.EXDEV,
    errno.EMLINK,  # ext4 allows 65,000 links to one file: the empty file reaches that first
    errno.ENOSYS,
    errno.EOPNOTSUPP,
)
_CANNOT_CLONE = (errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM, errno.EBADF)


@contextmanager
def translate_os_errors(doing: str) -> Iterator[None]:
    """Raise StoreError for an OSError in the block; the message starts with `doing`."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        if error.errno in _NO_SPACE:
            message = f"{doing}: there is no room for it. Free some space, or raise the quota."
            raise StoreError(message) from error
        raise StoreError(f"{doing}: {error.strerror or error}{where}.") from error


def stat_file(path: str) -> os.stat_result:
    """Return the stat of a regular file; raises StoreError for anything else: reading a pipe would never end."""
    try:
        state = os.stat(path)
    except FileNotFoundError as error:
        raise StoreError(f"There is no file {path}: it is missing, or a link that leads nowhere.") from error
    if not stat.S_ISREG(state.st_mode):
        kind = "a folder" if stat.S_ISDIR(state.st_mode) else "not a regular file"
        raise StoreError(f"{path} is {kind}; only files can be kept as files.")
    return state


def copy_bytes(source: str, target: str) -> None:
    """Copy a file to a new one, sharing blocks with the source if the file system can."""
    # Not FICLONE on an open target, as dvc-objects does: copy_file_range clones where it can (btrfs, xfs),
    # copies inside the kernel where it cannot, and never truncates a file that is there.
    with open(source, "rb") as reader, open(target, "xb") as writer:
        if hasattr(os, "copy_file_range"):
            _copy_in_kernel(reader.fileno(), writer.fileno())
        # Copies the rest, if any: both files are positioned where the kernel stopped.
        shutil.copyfileobj(reader, writer, 1 << 20)


def _copy_in_kernel(source: int, target: int) -> None:
    try:
        while os.copy_file_range(source, target, 1 << 30):
            continue
    except OSError as error:
        if error.errno not in _CANNOT_CLONE:
            raise


def link_or_copy(source: str, target: str) -> None:
    """Hardlink a read-only file, or make a read-only copy if it cannot be linked."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in CANNOT_LINK:
            raise
        copy_read_only(source, target)


def link_and_make_read_only(source: str, target: str) -> None:
    """Hardlink a file and make it read-only, or make a read-only copy if it cannot be linked."""
    try:
        os.link(source, target)
        os.chmod(target, READ_ONLY)
    except OSError as error:
        if error.errno not in CANNOT_LINK:
            raise
        # The link exists if only the change of mode was refused, as for a file of another user.
        with suppress(FileNotFoundError):
            os.unlink(target)
        copy_read_only(source, target)


def copy_read_only(source: str, target: str) -> None:
    """Make a read-only copy."""
    copy_bytes(source, target)
    os.chmod(target, READ_ONLY)


@contextmanager
def replace_on_success(target: str, temporary: str) -> Iterator[str]:
    """Rename `temporary`, on the same file system, to `target` if the block succeeds; remove it otherwise."""
    try:
        yield temporary
        try:
            os.replace(temporary, target)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.replace(temporary, target)
    finally:
        # Also after the move: renaming a file to another name of itself does nothing and leaves both.
        with suppress(FileNotFoundError):
            os.unlink(temporary)
