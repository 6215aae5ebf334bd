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
    """Whether a path has exactly this data."""
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


def refuse_to_overwrite(cache: Store, oid: str, path: Path) -> None:
    """Raise `VersioningError` where a path without a `.dvc` file has other data."""
    if os.path.lexists(path) and not is_checked_out(cache, oid, path):
        raise VersioningError(
            f"{path} is there already, differs from what was made, and DVC does not track it; move it away, or keep "
            f"it as the first version with `dvc add`, and commit"
        )


def check_out(repository: Repository, cache: Store, oid: str, path: Path, before: str) -> bool:
    """Put data at a path; False where the user has changed the data that was there `before`."""
    if is_checked_out(cache, oid, path):
        return True
    if os.path.lexists(path) and not (before and is_checked_out(cache, before, path)):
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
    made = {target}
    for entry in cache.entries(oid):
        file = f"{target}/{entry.relpath}"
        parent = file.rpartition("/")[0]
        if parent not in made:
            os.makedirs(parent, exist_ok=True)
            made.add(parent)
        _link(str(cache.path_of(entry.md5)), file, link_types)


def _link(source: str, target: str, link_types: Sequence[str]) -> None:
    """By the first link_type that the file system allows."""
    for link_type in link_types:
        try:
            _LINK_FUNCTIONS[link_type](source, target)
        except OSError as error:
            if link_type == link_types[-1] or error.errno not in file_ops.CANNOT_LINK:
                raise
        else:
            return


def _link_types(repository: Repository) -> Sequence[str]:
    """The configured link types; by default hard links, which cost neither time nor space, or else copies."""
    given = repository.config["cache"].get("type") or ["hardlink", "copy"]
    link_types = [link_type.strip() for link_type in (given.split(",") if isinstance(given, str) else given)]
    return [link_type for link_type in link_types if link_type in _LINK_FUNCTIONS] or ["copy"]


def _has_content(cache: Store, oid: str, path: str) -> bool:
    """Whether a file has the content of an object: as another name of it, or by its hash."""
    state = os.stat(path)
    try:
        kept = os.stat(cache.path_of(oid))
    except StoreError:
        return md5_of_file(path) == oid
    return os.path.samestat(state, kept) or (state.st_size == kept.st_size and md5_of_file(path) == oid)
