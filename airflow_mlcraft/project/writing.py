"""Files that are written whole or not at all."""

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
