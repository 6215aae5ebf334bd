"""Hashes of files and folders, read in chunks and, for the md5 of many large files, in parallel."""

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
"""The size from which hashing, which releases the interpreter lock, takes longer than starting a thread."""


def md5_of_bytes(data: bytes) -> str:
    """The md5 of bytes."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def md5_of_file(path: str | os.PathLike[str]) -> str:
    """The md5 of a file."""
    return hash_of_file(path, "md5")


def md5_of_files(files: Sequence[tuple[str, int]]) -> list[str]:
    """The md5 of each (path, size), in the order given."""
    large_files = [path for path, size in files if size >= _LARGE]
    hashes: dict[str, str] = {}
    if len(large_files) > 1:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(min(16, len(large_files), (os.cpu_count() or 1) + 4)) as pool:
            hashes = dict(zip(large_files, pool.map(md5_of_file, large_files), strict=True))
    return [hashes[path] if path in hashes else md5_of_file(path) for path, _ in files]


def sha256_of_file(path: str | os.PathLike[str]) -> str:
    """The sha256 of a file."""
    return hash_of_file(path, "sha256")


def hash_of_file(path: str | os.PathLike[str], algorithm: str) -> str:
    """The hash of a file by an algorithm of `hashlib`, as hexadecimal digits."""
    return _digest(path, algorithm).hexdigest()


def sha256_of_folder(folder: Path) -> str:
    """The first half of a sha256 over the names and contents of all files of a folder."""
    total = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        total.update(f"{file.relative_to(folder).as_posix()}\0".encode())
        total.update(_digest(file, "sha256").digest())
    return total.hexdigest()[:32]


def _digest(path: str | os.PathLike[str], algorithm: str) -> hashlib._Hash:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with open(path, "rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest
