"""The md5 of files, in chunks and, for many large ones, in parallel."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


# Plain strings: a Path for each of thousands of files costs more than the work itself.
# ruff: noqa: PTH123

_CHUNK = 1 << 20
_LARGE = 1 << 20
"""From here on hashing (which lets go of the interpreter lock) outweighs handing the work to a thread."""


def md5_of_bytes(data: bytes) -> str:
    """The md5 of bytes at hand."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def md5_of_file(path: str | os.PathLike[str]) -> str:
    """The md5 of a file, never held whole in memory."""
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def md5_of_files(files: Sequence[tuple[str, int]]) -> list[str]:
    """The md5 of each (path, size), in the order given."""
    large = [path for path, size in files if size >= _LARGE]
    found: dict[str, str] = {}
    if len(large) > 1:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(min(16, len(large), (os.cpu_count() or 1) + 4)) as pool:
            found = dict(zip(large, pool.map(md5_of_file, large), strict=True))
    return [found[path] if path in found else md5_of_file(path) for path, _ in files]


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
