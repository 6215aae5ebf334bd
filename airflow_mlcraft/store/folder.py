"""What is in a folder: its files, through symbolic links, and those of its folders that hold nothing."""

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
    """Whether a symbolic link led to it: then it is not the folder's to give away."""


def list_files(folder: str) -> Iterator[FolderFile]:
    """Every file below a folder. Linked folders are entered too: what they hold would be lost otherwise."""
    for level in _walk(folder):
        for name in level.names:
            file = f"{level.path}/{name}"
            yield FolderFile(level.prefix + name, file, stat_file(file), level.linked or os.path.islink(file))


def list_empty_folders(folder: str) -> list[str]:
    """The folders below a folder that hold nothing at all, sorted; a `.dir` has no place for them."""
    return sorted(level.prefix[:-1] for level in _walk(folder) if level.prefix and level.empty)


@dataclass(frozen=True, slots=True)
class _Level:
    """A folder on the way: `prefix` is its relative path with a slash behind it, "" for the outermost."""

    prefix: str
    path: str
    names: list[str]
    linked: bool
    empty: bool


def _walk(folder: str) -> Iterator[_Level]:
    if not os.path.isdir(folder):
        raise StoreError(f"There is no folder {folder}: it is missing, or not a folder.")
    waiting: list[tuple[str, str, bool, tuple[str, ...]]]
    waiting = [("", folder, os.path.islink(folder), (os.path.realpath(folder),))]
    while waiting:
        prefix, path, linked, above = waiting.pop()
        names: list[str] = []
        before = len(waiting)
        with os.scandir(path) as found:
            for entry in found:
                if not entry.is_dir():
                    names.append(entry.name)
                    continue
                real = os.path.realpath(entry.path) if entry.is_symlink() else f"{above[-1]}/{entry.name}"
                if real in above:
                    raise StoreError(f"{entry.path} links to a folder around itself, so {folder} has no end.")
                inner = f"{prefix}{entry.name}/"
                waiting.append((inner, entry.path, linked or entry.is_symlink(), (*above, real)))
        yield _Level(prefix, path, names, linked, empty=not names and len(waiting) == before)
