"""Storing and staging of CWL values: a File or Directory is a dict, at any depth of a value."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

from airflow_mlcraft.common.safe_names import is_safe_relative_path, safe_name
from airflow_mlcraft.errors import StoreError
from airflow_mlcraft.store.folder import list_empty_folders
from airflow_mlcraft.store.symlink_guard import check_links

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from airflow_mlcraft.cwl.plan import Json
    from airflow_mlcraft.store.store import Store

STORE = "store://md5/"
"""The prefix of the location of a File or Directory in the store; the object's name follows."""

EMPTY_FOLDERS = "mlcraft:emptyFolders"
"""The field of a Directory with its empty folders, which DVC's listing cannot hold."""

_PATH_FIELDS = {"location", "path", "dirname", "nameroot", "nameext"}
"""Fields with the old path of a file, or derived from its basename."""


def iterate_files_and_directories(value: Json) -> Iterator[Json]:
    """Iterate over every File and Directory of a value, the outer ones first."""
    if isinstance(value, dict):
        if value.get("class") in ("File", "Directory"):
            yield value
        for inner in value.values():
            yield from iterate_files_and_directories(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from iterate_files_and_directories(inner)


def oid_of(value: Json) -> str:
    """Return the name of the object of a File or Directory; "" if it is not in the store."""
    location = value.get("location") or ""
    return str(location[len(STORE) :]) if location.startswith(STORE) else ""


def file_location(path: str | os.PathLike[str]) -> str:
    """Return the `file://` location of a path."""
    return "file://" + quote(os.fsencode(os.path.abspath(path)))  # noqa: PTH100


def local_path(value: Json) -> str:
    """Return the local path of a File or Directory, from its location or else its path; "" if it is not local."""
    location = value.get("location") or ""
    if location.startswith("file:"):
        rest = location[len("file:") :]
        if rest.startswith("//"):
            host, slash, rest = rest[2:].partition("/")
            if host not in ("", "localhost"):
                raise StoreError(f"{location} lies on another host; a file: location has three slashes.")
            rest = slash + rest
        return os.fsdecode(unquote_to_bytes(os.fsencode(rest)))
    if location and not location.startswith("_:"):
        return "" if "://" in location else os.path.abspath(location)  # noqa: PTH100
    path = value.get("path") or ""
    return os.path.abspath(path) if path else ""  # noqa: PTH100


def store_value(
    store: Store,
    value: Json,
    *,
    made_in: Path | None = None,
    known: Mapping[str, str] | None = None,
    input_folders: Collection[str] = (),
) -> Json:
    """Add the local files, folders and file literals of a value to the store, and return the value with their objects.

    Files below `made_in` are handed over and become objects in place (see `Store.add_file`). `known` maps paths made by
    `stage_value` to objects, so that inputs that a tool passes through are not hashed again. Outputs may
    have symbolic links into `input_folders`, and to nothing else outside.
    """
    if isinstance(value, list):
        return [store_value(store, item, made_in=made_in, known=known, input_folders=input_folders) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("class")
    path = local_path(value) if kind in ("File", "Directory") else ""
    _check_basename(value)
    if kind == "Directory" and path:
        # The content of the folder is used instead of a listing, which may be shallow or outdated.
        value = {key: item for key, item in value.items() if key not in ("listing", EMPTY_FOLDERS)}
    stored = {
        key: store_value(store, item, made_in=made_in, known=known, input_folders=input_folders)
        for key, item in value.items()
    }
    hand_over = made_in is not None and path.startswith(f"{made_in}/")
    if hand_over:
        check_links(str(made_in), path, store, input_folders)
    if kind == "File" and (path or _is_literal(stored)):
        return _store_file(store, stored, path, hand_over=hand_over, known=known)
    if kind == "Directory" and path:
        return _store_directory(store, stored, path, hand_over=hand_over, known=known)
    if kind == "Directory" and _has_no_location(stored):
        if "listing" not in stored:
            raise StoreError(f"Directory {stored.get('basename', '')!r} has neither a location nor a listing.")
        return _without_path_fields(stored)
    if kind in ("File", "Directory") and (oid := oid_of(stored)):
        store.mark_used([oid])
    return stored


def stage_value(
    store: Store,
    value: Json,
    folder: str | os.PathLike[str],
    known: dict[str, str] | None = None,
    *,
    writable: bool = False,
) -> Json:
    """Return a copy of a value whose Files and Directories in the store are local ones that a tool can read.

    They are created below `folder`: a File is a symbolic link to its object, in a numbered folder that it shares
    with its secondary files; a Directory is a folder of hardlinks. The object of each file is added to `known`,
    under each of its paths. With `writable` all are copies, for a tool that changes its inputs in place.
    """
    return _Stage(store, Path(folder).absolute(), {} if known is None else known, writable).stage(value)


class _Stage:
    """One staging, with the count of its numbered folders."""

    def __init__(self, store: Store, folder: Path, known: dict[str, str], writable: bool):
        self._writable = writable
        self._store = store
        self._folder = folder
        self._known = known
        self._count = 0

    def stage(self, value: Json, beside: Path | None = None) -> Json:
        """Return the staged value; a secondary file is staged `beside` its primary file."""
        if isinstance(value, list):
            return [self.stage(item, beside) for item in value]
        if not isinstance(value, dict):
            return value
        oid = oid_of(value) if value.get("class") in ("File", "Directory") else ""
        if not oid:
            _check_basename(value)
            return {key: self.stage(item) for key, item in value.items()}
        parent = beside or self._next_folder()
        staged = {
            key: self.stage(item, parent if key == "secondaryFiles" else None)
            for key, item in value.items()
            if key != EMPTY_FOLDERS
        }
        name = safe_name(value.get("basename") or oid)
        if value["class"] == "File":
            self._stage_file(oid, parent / name)
        else:
            self._stage_directory(oid, parent / name, value.get(EMPTY_FOLDERS, ()))
        return {**staged, "location": file_location(parent / name), "basename": name}

    def _next_folder(self) -> Path:
        # Skips numbers that exist: several values may be staged into one folder.
        while True:
            subfolder = self._folder / str(self._count)
            self._count += 1
            try:
                subfolder.mkdir(parents=True)
            except FileExistsError:
                continue
            return subfolder

    def _stage_file(self, oid: str, link: Path) -> None:
        if self._writable:
            self._store.copy(oid, link)
            return
        path = self._store.path_of(oid)
        try:
            link.symlink_to(path)
        except FileExistsError as error:
            message = f"Two files that belong together are both named {link.name!r}; rename one."
            raise StoreError(message) from error
        self._known[str(link)] = oid
        self._known[str(path)] = oid

    def _stage_directory(self, oid: str, target: Path, empty_folders: Json) -> None:
        if self._writable:
            for entry in self._store.entries(oid):
                (target / entry.relpath).parent.mkdir(parents=True, exist_ok=True)
                self._store.copy(entry.md5, target / entry.relpath)
            target.mkdir(parents=True, exist_ok=True)
        else:
            self._store.checkout(oid, target)
            for entry in self._store.entries(oid):
                self._known[f"{target}/{entry.relpath}"] = entry.md5
        for relpath in empty_folders:
            if not is_safe_relative_path(relpath):
                raise StoreError(f"The empty folder {relpath!r} of {target.name!r} would lie outside of it.")
            (target / relpath).mkdir(parents=True, exist_ok=True)


def _store_file(store: Store, file: Json, path: str, *, hand_over: bool, known: Mapping[str, str] | None) -> Json:
    if path:
        oid = store.add_file(path, hand_over=hand_over, known=known)
        name, size = os.path.basename(path), Path(path).stat().st_size  # noqa: PTH119
    else:
        data = file["contents"].encode("utf-8", "surrogateescape")
        oid = name = store.add_bytes(data)
        size = len(data)
    stored = _without_path_fields(file)
    if not path:
        stored.pop("contents")
    return {**stored, "location": STORE + oid, "basename": file.get("basename") or name, "size": size}


def _store_directory(
    store: Store, directory: Json, path: str, *, hand_over: bool, known: Mapping[str, str] | None
) -> Json:
    path = path.rstrip("/") or "/"
    oid = store.add_folder(path, hand_over=hand_over, known=known)
    name = directory.get("basename") or os.path.basename(path)  # noqa: PTH119
    empty = list_empty_folders(path)
    return {
        **_without_path_fields(directory),
        "location": STORE + oid,
        "basename": name,
        **({EMPTY_FOLDERS: empty} if empty else {}),
    }


def _check_basename(value: Json) -> None:
    if value.get("class") in ("File", "Directory") and value.get("basename") is not None:
        safe_name(value["basename"])


def _is_literal(file: Json) -> bool:
    """Whether a File has only contents; raises StoreError for one without location and contents."""
    if not _has_no_location(file):
        return False
    if not isinstance(file.get("contents"), str):
        raise StoreError(f"File {file.get('basename', '')!r} has no location, no path and no contents.")
    return True


def _has_no_location(value: Json) -> bool:
    return not value.get("location") or value["location"].startswith("_:")


def _without_path_fields(value: Json) -> Json:
    return {key: item for key, item in value.items() if key not in _PATH_FIELDS}
