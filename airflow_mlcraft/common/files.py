"""Files that are written whole or not at all, with the mode that the process's umask gives to new files."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from airflow_mlcraft.errors import ProjectError


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees all of it, or the file that was there before; make its folder if need be.

    The file may be read by whom the umask lets read: `tempfile` gives its files to their user alone, and the other
    users of a machine (`run_as_user`) could not read them.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name[:100]}.{os.urandom(6).hex()}.part")
    try:
        with part.open("xb") as file:
            file.write(data)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str, mode: int = 0o644) -> None:
    """Replace a file; whoever reads it sees the old text or the new one."""
    write_stream(path, io.BytesIO(text.encode()), mode)


def write_stream(path: Path, content: BinaryIO, mode: int = 0o644) -> None:
    """The same with what a stream has."""
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        part = Path(name)
        try:
            with os.fdopen(number, "wb") as stream:
                shutil.copyfileobj(content, stream)
            part.chmod(mode)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


_REFUSED = (errno.EACCES, errno.EDQUOT, errno.EFBIG, errno.ENOSPC, errno.EPERM, errno.EROFS)
"""What a disk says that is full, or not to be written."""


def refused_by_disk(error: BaseException) -> str:
    """What the disk said, and of which file; empty where it was something else. SQLite says it in its own way."""
    if isinstance(error, OSError) and error.errno in _REFUSED:
        return f"{error.filename2 or error.filename or 'a file'} cannot be written: {error.strerror}"
    said = str(getattr(error, "orig", ""))
    return f"a database cannot be written: {said}" if "disk" in said or "readonly" in said else ""


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """A disk that is full or refuses, as a sentence."""
    try:
        yield
    except OSError as error:
        raise ProjectError(f"{error.filename or path} cannot be written: {error.strerror or error}") from error


@contextlib.contextmanager
def all_or_nothing(*paths: Path) -> Iterator[None]:
    """When what is done here fails, or is interrupted, these files are again as they were."""
    before = {path: (path.read_bytes(), path.stat().st_mode) if path.is_file() else None for path in paths}
    try:
        yield
    except BaseException:
        for path, found in before.items():
            if found is None:
                path.unlink(missing_ok=True)
            elif not path.is_file() or path.read_bytes() != found[0]:
                path.write_bytes(found[0])
                path.chmod(found[1])
        raise
