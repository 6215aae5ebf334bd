"""What a folder holds, as one hash."""

from __future__ import annotations

import hashlib
from pathlib import Path


def content_of(folder: Path) -> str:
    """The hash of all files of a folder, with their names."""
    total = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        total.update(f"{file.relative_to(folder).as_posix()}\0".encode())
        each = hashlib.sha256()
        with file.open("rb") as handle:
            while block := handle.read(1 << 20):
                each.update(block)
        total.update(each.digest())
    return total.hexdigest()[:32]
