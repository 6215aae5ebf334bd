"""Atomic writes of files, error messages for a disk that refuses them, and restoring files after an error."""

from __future__ import annotations

import errno
import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from airflow_mlcraft.errors import ProjectError

_LONGEST_NAME_PART = 100
_DISK_ERRORS = (errno.EACCES, errno.EDQUOT, errno.EFBIG, errno.ENOSPC, errno.EPERM, errno.EROFS)
"""Errors of a disk that is full or read-only."""


def write_atomically(path: Path, data: bytes, *, mode: int | None = None, sync: bool = False) -> None:
    """Write a file so that a reader sees all of it, or the file that was there before; create its folder if missing.

    Without `mode`, the umask decides who may read the file: `tempfile` gives its files to their user alone, and the
    other users of a machine (`run_as_user`) could not read them. With `sync`, the bytes are on the disk before the
    file gets its name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _temporary_file(path, io.BytesIO(data), mode, sync=sync) as temporary:
        temporary.replace(path)


def create_atomically(path: Path, data: bytes, *, sync: bool = False) -> None:
    """Write a new file like `write_atomically`; raises `FileExistsError` if the path exists."""
    with _temporary_file(path, io.BytesIO(data), None, sync=sync) as temporary:
        # Unlike a rename, a link never replaces an existing file.
        os.link(temporary, path)


def write_text_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a text in UTF-8 like `write_atomically`; raises `ProjectError` where it cannot be written."""
    write_stream_atomically(path, io.BytesIO(text.encode()), mode)


def write_stream_atomically(path: Path, content: BinaryIO, mode: int = 0o644) -> None:
    """Write the rest of a stream like `write_text_atomically`."""
    with translate_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _temporary_file(path, content, mode) as temporary:
            temporary.replace(path)


@contextmanager
def _temporary_file(path: Path, content: BinaryIO, mode: int | None, *, sync: bool = False) -> Iterator[Path]:
    """A hidden file beside a path, with this content; removed after the block if it is still there."""
    start = os.fsencode(path.name)[:_LONGEST_NAME_PART].decode("utf-8", "ignore")
    temporary = path.with_name(f".{start}.{os.urandom(6).hex()}.part")
    try:
        with temporary.open("xb") as file:
            shutil.copyfileobj(content, file)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        if mode is not None:
            temporary.chmod(mode)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def disk_error_message(error: BaseException) -> str:
    """The message for an error of a full or read-only disk, with the file; empty for any other error.

    SQLAlchemy wraps such errors of SQLite, which have no number.
    """
    if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
        return f"{error.filename2 or error.filename or 'a file'} cannot be written: {error.strerror}"
    message = str(getattr(error, "orig", ""))
    return f"a database cannot be written: {message}" if "disk" in message or "readonly" in message else ""


@contextmanager
def translate_os_errors(path: Path) -> Iterator[None]:
    """Raise an `OSError` of the block as a `ProjectError` that names the file, or this path."""
    try:
        yield
    except OSError as error:
        raise ProjectError(f"{error.filename or path} cannot be written: {error.strerror or error}") from error


@contextmanager
def restore_files_on_error(*paths: Path) -> Iterator[None]:
    """Restore the content and mode of these files when the block fails or is interrupted; remove new ones."""
    previous = {path: (path.read_bytes(), path.stat().st_mode) if path.is_file() else None for path in paths}
    try:
        yield
    except BaseException:
        for path, content_and_mode in previous.items():
            if content_and_mode is None:
                path.unlink(missing_ok=True)
            elif not path.is_file() or path.read_bytes() != content_and_mode[0]:
                path.write_bytes(content_and_mode[0])
                path.chmod(content_and_mode[1])
        raise
