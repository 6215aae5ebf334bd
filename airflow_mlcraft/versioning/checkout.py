"""Checkout of data into the repository's folder, linked as its option `cache.type` says."""

# Plain strings: a Path for each of thousands of files costs more than the work itself.
# ruff: noqa: PTH103, PTH116

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from airflow_mlcraft.common.hashing import md5_of_file
from airflow_mlcraft.errors import StoreError, VersioningError
from airflow_mlcraft.store import file_ops
from airflow_mlcraft.store.folder import list_files
from airflow_mlcraft.store.object_paths import DIR_SUFFIX
from airflow_mlcraft.store.store import Store
from airflow_mlcraft.store.task_folders import remove_path, unique_name
from airflow_mlcraft.versioning.repository import Repository

_LINK_FUNCTIONS: Mapping[str, Callable[[str, str], None]] = {
    "hardlink": os.link,
    "symlink": os.symlink,
    "reflink": file_ops.copy_bytes,
    "copy": file_ops.copy_bytes,
}


def is_checked_out(cache: Store, oid: str, path: Path) -> bool:
    """Whether the file or folder at a path has exactly the content of an object."""
    try:
        if not oid.endswith(DIR_SUFFIX):
            return path.is_file() and _has_content(cache, oid, str(path))
        if not path.is_dir():
            return False
        expected = {entry.relpath: entry.md5 for entry in cache.entries(oid)}
        found = {file.relpath: file.path for file in list_files(str(path))}
        return expected.keys() == found.keys() and all(
            _has_content(cache, expected[name], found[name]) for name in expected
        )
    except StoreError:
        # Data that cannot be compared counts as different.
        return False


def check_not_overwriting(cache: Store, oid: str, path: Path) -> None:
    """Raise `VersioningError` if other data is at a path that has no `.dvc` file."""
    if os.path.lexists(path) and not is_checked_out(cache, oid, path):
        raise VersioningError(
            f"{path} is there already, differs from what was made, and DVC does not track it; move it away, or keep "
            f"it as the first version with `dvc add`, and commit"
        )


def check_out(repository: Repository, cache: Store, oid: str, path: Path, previous_oid: str) -> bool:
    """Replace the data at a path; return False if the user has changed it since the version `previous_oid`."""
    if is_checked_out(cache, oid, path):
        return True
    if os.path.lexists(path) and not (previous_oid and is_checked_out(cache, previous_oid, path)):
        return False
    link_types = _link_types(repository)
    new, old = (repository.temporary / unique_name() for _ in range(2))
    new.parent.mkdir(parents=True, exist_ok=True)
    with file_ops.translate_os_errors(f"Cannot put data at {path}"):
        try:
            _create(cache, oid, str(new), link_types)
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir() or (new.is_dir() and path.exists()):
                path.replace(old)
            new.replace(path)
        finally:
            remove_path(new)
            remove_path(old)
    return True


def _create(cache: Store, oid: str, target: str, link_types: Sequence[str]) -> None:
    if not oid.endswith(DIR_SUFFIX):
        _link(str(cache.path_of(oid)), target, link_types)
        return
    os.makedirs(target)
    created = {target}
    for entry in cache.entries(oid):
        file = f"{target}/{entry.relpath}"
        parent = file.rpartition("/")[0]
        if parent not in created:
            os.makedirs(parent, exist_ok=True)
            created.add(parent)
        _link(str(cache.path_of(entry.md5)), file, link_types)


def _link(source: str, target: str, link_types: Sequence[str]) -> None:
    """Link or copy a file by the first link type that the file system allows."""
    for link_type in link_types:
        try:
            _LINK_FUNCTIONS[link_type](source, target)
        except OSError as error:
            if link_type == link_types[-1] or error.errno not in file_ops.CANNOT_LINK:
                raise
        else:
            return


def _link_types(repository: Repository) -> Sequence[str]:
    """Return the configured link types; by default hard links, which cost neither time nor space, then copies."""
    given = repository.config["cache"].get("type") or ["hardlink", "copy"]
    link_types = [link_type.strip() for link_type in (given.split(",") if isinstance(given, str) else given)]
    return [link_type for link_type in link_types if link_type in _LINK_FUNCTIONS] or ["copy"]


def _has_content(cache: Store, oid: str, path: str) -> bool:
    """Whether a file has the content of an object: as a hardlink of it, or by its hash."""
    state = os.stat(path)
    try:
        cached = os.stat(cache.path_of(oid))
    except StoreError:
        return md5_of_file(path) == oid
    return os.path.samestat(state, cached) or (state.st_size == cached.st_size and md5_of_file(path) == oid)
