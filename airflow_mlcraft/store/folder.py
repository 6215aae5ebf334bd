"""Listing of a folder: its files, with symbolic links followed, and its empty folders."""

# Plain strings: a Path for each of thousands of files costs more than the work itself.
# ruff: noqa: PTH112, PTH114

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_mlcraft.errors import StoreError
from airflow_mlcraft.store.file_ops import stat_file

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class FolderFile:
    """A file of a folder."""

    relpath: str
    path: str
    state: os.stat_result
    linked: bool
    """Whether the path goes through a symbolic link: then the file must be copied, not moved into the store."""


def list_files(folder: str) -> Iterator[FolderFile]:
    """Iterate over every file below a folder, with linked folders entered."""
    for level in _walk(folder):
        for name in level.names:
            file = f"{level.path}/{name}"
            yield FolderFile(level.prefix + name, file, stat_file(file), level.linked or os.path.islink(file))


def list_empty_folders(folder: str) -> list[str]:
    """Return the empty folders below a folder, sorted; a `.dir` object cannot list them."""
    return sorted(level.prefix[:-1] for level in _walk(folder) if level.prefix and level.empty)


@dataclass(frozen=True, slots=True)
class _Level:
    """A folder of the walk: `prefix` is its relative path with a trailing slash, "" for the root."""

    prefix: str
    path: str
    names: list[str]
    linked: bool
    empty: bool


def _walk(folder: str) -> Iterator[_Level]:
    if not os.path.isdir(folder):
        raise StoreError(f"There is no folder {folder}: it is missing, or not a folder.")
    pending: list[tuple[str, str, bool, tuple[str, ...]]]
    pending = [("", folder, os.path.islink(folder), (os.path.realpath(folder),))]
    while pending:
        prefix, path, linked, ancestors = pending.pop()
        names: list[str] = []
        before = len(pending)
        with os.scandir(path) as found:
            for entry in found:
                if not entry.is_dir():
                    names.append(entry.name)
                    continue
                real = os.path.realpath(entry.path) if entry.is_symlink() else f"{ancestors[-1]}/{entry.name}"
                if real in ancestors:
                    raise StoreError(f"{entry.path} links to a folder around itself, so {folder} has no end.")
                inner = f"{prefix}{entry.name}/"
                pending.append((inner, entry.path, linked or entry.is_symlink(), (*ancestors, real)))
        yield _Level(prefix, path, names, linked, empty=not names and len(pending) == before)
