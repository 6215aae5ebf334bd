"""Data where people work with it: in the repository's folder, linked as the repository's `cache.type` says."""

# Plain strings: a Path for each of thousands of files costs more than the work itself.
# ruff: noqa: PTH103, PTH116

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from airflow_mlcraft.common.hashing import md5_of_file
from airflow_mlcraft.errors import StoreError, VersioningError
from airflow_mlcraft.store import file_ops
from airflow_mlcraft.store.folder import files_of
from airflow_mlcraft.store.object_paths import DIR_SUFFIX
from airflow_mlcraft.store.store import Store
from airflow_mlcraft.store.task_folders import remove, unique_name
from airflow_mlcraft.versioning.repository import Repository

_LINKS: Mapping[str, Callable[[str, str], None]] = {
    "hardlink": os.link,
    "symlink": os.symlink,
    "reflink": file_ops.copy_bytes,
    "copy": file_ops.copy_bytes,
}


def is_at(cache: Store, oid: str, path: Path) -> bool:
    """Whether the folder has just this data at a path."""
    try:
        if not oid.endswith(DIR_SUFFIX):
            return path.is_file() and _same(cache, oid, str(path))
        if not path.is_dir():
            return False
        wanted = {entry.relpath: entry.md5 for entry in cache.entries(oid)}
        found = {file.relpath: file.path for file in files_of(str(path))}
        return wanted.keys() == found.keys() and all(_same(cache, wanted[name], found[name]) for name in wanted)
    except StoreError:
        # What cannot be compared is not known to be the same.
        return False


def refuse_to_overwrite(cache: Store, oid: str, path: Path) -> None:
    """An error where the folder has something else at a path for which there is no pointer yet."""
    if os.path.lexists(path) and not is_at(cache, oid, path):
        raise VersioningError(
            f"{path} is there already, differs from what was made, and DVC does not track it; move it away, or keep "
            f"it as the first version with `dvc add`, and commit"
        )


def check_out(repository: Repository, cache: Store, oid: str, path: Path, before: str) -> bool:
    """Put data at a path of the folder; False where the user has changed what was there `before`."""
    if is_at(cache, oid, path):
        return True
    if os.path.lexists(path) and not (before and is_at(cache, before, path)):
        return False
    ways = _ways(repository)
    new, old = (repository.temporary / unique_name() for _ in range(2))
    new.parent.mkdir(parents=True, exist_ok=True)
    with file_ops.explained(f"Cannot put data at {path}"):
        try:
            _make(cache, oid, str(new), ways)
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir() or (new.is_dir() and path.exists()):
                path.replace(old)
            new.replace(path)
        finally:
            remove(new)
            remove(old)
    return True


def _make(cache: Store, oid: str, target: str, ways: Sequence[str]) -> None:
    if not oid.endswith(DIR_SUFFIX):
        _link(str(cache.path_of(oid)), target, ways)
        return
    os.makedirs(target)
    made = {target}
    for entry in cache.entries(oid):
        file = f"{target}/{entry.relpath}"
        parent = file.rpartition("/")[0]
        if parent not in made:
            os.makedirs(parent, exist_ok=True)
            made.add(parent)
        _link(str(cache.path_of(entry.md5)), file, ways)


def _link(source: str, target: str, ways: Sequence[str]) -> None:
    """By the first way that the file system allows."""
    for way in ways:
        try:
            _LINKS[way](source, target)
        except OSError as error:
            if way == ways[-1] or error.errno not in file_ops.CANNOT_LINK:
                raise
        else:
            return


def _ways(repository: Repository) -> Sequence[str]:
    """The configured ones; without any, a link costs neither time nor room, and a copy always can be."""
    given = repository.config["cache"].get("type") or ["hardlink", "copy"]
    ways = [way.strip() for way in (given.split(",") if isinstance(given, str) else given)]
    return [way for way in ways if way in _LINKS] or ["copy"]


def _same(cache: Store, oid: str, path: str) -> bool:
    """Whether a file has the content of an object: as another name of it, or by its hash."""
    state = os.stat(path)
    try:
        kept = os.stat(cache.path_of(oid))
    except StoreError:
        return md5_of_file(path) == oid
    return os.path.samestat(state, kept) or (state.st_size == kept.st_size and md5_of_file(path) == oid)
