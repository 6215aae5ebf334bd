"""CWL values to and from the store: a File or Directory is a plain dict, at any depth of a value."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

from airflow_mlcraft.common.safe_names import is_safe_relative_path, safe_name
from airflow_mlcraft.errors import StoreError
from airflow_mlcraft.store.folder import list_empty_folders
from airflow_mlcraft.store.symlink_guard import refuse_links_outside

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from airflow_mlcraft.cwl.plan import Json
    from airflow_mlcraft.store.store import Store

STORE = "store://md5/"
"""What the location of a kept File or Directory starts with; the object's name follows."""

EMPTY_FOLDERS = "mlcraft:emptyFolders"
"""The field of a Directory that names its empty folders, which DVC's listing cannot hold."""

_OF_A_PLACE = {"location", "path", "dirname", "nameroot", "nameext"}
"""Fields that say where a file lay, or that follow from its basename."""


def iterate_files_and_directories(value: Json) -> Iterator[Json]:
    """Every File and Directory of a value, the outer ones first."""
    if isinstance(value, dict):
        if value.get("class") in ("File", "Directory"):
            yield value
        for inner in value.values():
            yield from iterate_files_and_directories(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from iterate_files_and_directories(inner)


def oid_of(value: Json) -> str:
    """The name of the object that a File or Directory stands for; "" for one that is not in the store."""
    location = value.get("location") or ""
    return str(location[len(STORE) :]) if location.startswith(STORE) else ""


def file_location(path: str | os.PathLike[str]) -> str:
    """The `file://` location of a path."""
    return "file://" + quote(os.fsencode(os.path.abspath(path)))  # noqa: PTH100


def local_path(value: Json) -> str:
    """The local path of a File or Directory, by its location or else its path; "" if not a local one."""
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
    brought: Collection[str] = (),
) -> Json:
    """A copy of a value whose local files, folders and file literals are in the store.

    Files below `made_in` are handed over and become objects in place (see `Store.keep_file`). `known` names the
    objects of paths that `stage_value` made, so that what a tool passes through is not hashed again. What is made may
    link to files that were `brought` to the tool, and to nothing else outside.
    """
    if isinstance(value, list):
        return [store_value(store, item, made_in=made_in, known=known, brought=brought) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("class")
    path = local_path(value) if kind in ("File", "Directory") else ""
    _check_basename(value)
    if kind == "Directory" and path:
        # What is in the folder says more than a listing, which may be shallow or old.
        value = {key: item for key, item in value.items() if key not in ("listing", EMPTY_FOLDERS)}
    kept = {key: store_value(store, item, made_in=made_in, known=known, brought=brought) for key, item in value.items()}
    hand_over = made_in is not None and path.startswith(f"{made_in}/")
    if hand_over:
        refuse_links_outside(str(made_in), path, store, brought)
    if kind == "File" and (path or _is_literal(kept)):
        return _keep_file(store, kept, path, hand_over=hand_over, known=known)
    if kind == "Directory" and path:
        return _keep_directory(store, kept, path, hand_over=hand_over, known=known)
    if kind == "Directory" and _has_no_place(kept):
        if "listing" not in kept:
            raise StoreError(f"Directory {kept.get('basename', '')!r} has neither a location nor a listing.")
        return _moved(kept)
    if kind in ("File", "Directory") and (oid := oid_of(kept)):
        store.touch([oid])
    return kept


def stage_value(
    store: Store,
    value: Json,
    folder: str | os.PathLike[str],
    known: dict[str, str] | None = None,
    *,
    writable: bool = False,
) -> Json:
    """A copy of a value whose Files and Directories in the store are local ones, to be read by a tool.

    They are made below `folder`: a File is a symbolic link to its object, in a numbered folder that it shares
    with its secondary files; a Directory is a folder of hardlinks. `known` gets the object of each file made,
    under each of its paths. With `writable` all of it are copies, for a tool that changes its inputs in place.
    """
    return _Stage(store, Path(folder).absolute(), {} if known is None else known, writable).stage(value)


class _Stage:
    """One staging: counts the numbered folders."""

    def __init__(self, store: Store, folder: Path, known: dict[str, str], writable: bool):
        self._writable = writable
        self._store = store
        self._folder = folder
        self._known = known
        self._count = 0

    def stage(self, value: Json, beside: Path | None = None) -> Json:
        """The value, staged; a secondary file `beside` its primary one."""
        if isinstance(value, list):
            return [self.stage(item, beside) for item in value]
        if not isinstance(value, dict):
            return value
        oid = oid_of(value) if value.get("class") in ("File", "Directory") else ""
        if not oid:
            _check_basename(value)
            return {key: self.stage(item) for key, item in value.items()}
        place = beside or self._next_folder()
        staged = {
            key: self.stage(item, place if key == "secondaryFiles" else None)
            for key, item in value.items()
            if key != EMPTY_FOLDERS
        }
        name = safe_name(value.get("basename") or oid)
        if value["class"] == "File":
            self._file(oid, place / name)
        else:
            self._directory(oid, place / name, value.get(EMPTY_FOLDERS, ()))
        return {**staged, "location": file_location(place / name), "basename": name}

    def _next_folder(self) -> Path:
        # Not a number that is taken: several values may be staged into one folder.
        while True:
            place = self._folder / str(self._count)
            self._count += 1
            try:
                place.mkdir(parents=True)
            except FileExistsError:
                continue
            return place

    def _file(self, oid: str, link: Path) -> None:
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

    def _directory(self, oid: str, target: Path, empty_folders: Json) -> None:
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


def _keep_file(store: Store, file: Json, path: str, *, hand_over: bool, known: Mapping[str, str] | None) -> Json:
    if path:
        oid = store.keep_file(path, hand_over=hand_over, known=known)
        name, size = os.path.basename(path), Path(path).stat().st_size  # noqa: PTH119
    else:
        data = file["contents"].encode("utf-8", "surrogateescape")
        oid = name = store.keep_bytes(data)
        size = len(data)
    kept = _moved(file)
    if not path:
        kept.pop("contents")
    return {**kept, "location": STORE + oid, "basename": file.get("basename") or name, "size": size}


def _keep_directory(
    store: Store, directory: Json, path: str, *, hand_over: bool, known: Mapping[str, str] | None
) -> Json:
    path = path.rstrip("/") or "/"
    oid = store.keep_tree(path, hand_over=hand_over, known=known)
    name = directory.get("basename") or os.path.basename(path)  # noqa: PTH119
    empty = list_empty_folders(path)
    return {
        **_moved(directory),
        "location": STORE + oid,
        "basename": name,
        **({EMPTY_FOLDERS: empty} if empty else {}),
    }


def _check_basename(value: Json) -> None:
    if value.get("class") in ("File", "Directory") and value.get("basename") is not None:
        safe_name(value["basename"])


def _is_literal(file: Json) -> bool:
    """Whether a File is only its contents; one without a place and without contents is an error."""
    if not _has_no_place(file):
        return False
    if not isinstance(file.get("contents"), str):
        raise StoreError(f"File {file.get('basename', '')!r} has no location, no path and no contents.")
    return True


def _has_no_place(value: Json) -> bool:
    return not value.get("location") or value["location"].startswith("_:")


def _moved(value: Json) -> Json:
    return {key: item for key, item in value.items() if key not in _OF_A_PLACE}
