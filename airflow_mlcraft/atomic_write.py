"""Files that are written whole or not at all, with the mode that the process's umask gives to new files."""

from __future__ import annotations

import os
from pathlib import Path


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
