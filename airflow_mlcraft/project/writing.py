"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from airflow_mlcraft.errors import ProjectError


def write_text(path: Path, text: str, mode: int = 0o644) -> None:
    """Replace a file; whoever reads it sees the old text or the new one."""
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        part = Path(name)
        try:
            with os.fdopen(number, "w", encoding="utf-8") as stream:
                stream.write(text)
            part.chmod(mode)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """A disk that is full or refuses, as a sentence."""
    try:
        yield
    except OSError as error:
        raise ProjectError(f"{error.filename or path} cannot be written: {error.strerror or error}") from error
