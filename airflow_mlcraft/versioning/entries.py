"""From values that steps have made to data at paths: a File, a Directory, or a list of them as a folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from airflow_mlcraft.errors import VersioningError
from airflow_mlcraft.safe_names import is_safe_name
from airflow_mlcraft.store.layout import DIR_SUFFIX, Entry
from airflow_mlcraft.store.values import oid_of
from airflow_mlcraft.versioning.pointer import Data

if TYPE_CHECKING:
    from airflow_mlcraft.cwl.plan import Json
    from airflow_mlcraft.store.store import Store


def data_of(store: Store, value: Json, what: str) -> Data | None:
    """What a value has to be versioned; nothing for null. `what` names it where it cannot be.

    A list becomes a folder in which each item has its own name, and so does a File with its secondary files.
    """
    if value is None:
        return None
    items = [item for item in (value if isinstance(value, list) else [value]) if item is not None]
    if any(isinstance(item, list) for item in items):
        raise VersioningError(f"{what} is a list of lists; only a plain list of files can be one folder")
    if not all(isinstance(item, dict) and item.get("class") in ("File", "Directory") for item in items):
        raise VersioningError(f"{what} is {_kind(value)}; only files and folders can be versioned as data")
    if isinstance(value, dict) and not value.get("secondaryFiles"):
        if oid := oid_of(value):
            return _described(store, oid)
        items = value.get("listing", items)
    return _described(store, store.keep_listing(_named(store, items, "", what)))


def _named(store: Store, items: Json, prefix: str, what: str) -> Iterator[Entry]:
    """The files of items that share a folder; of those with the same name, all but the first get a number."""
    taken: set[str] = set()
    for item in [part for each in items for part in (each, *each.get("secondaryFiles", ()))]:
        basename = str(item["basename"])
        if not is_safe_name(basename):
            raise VersioningError(f"{what} has the basename {basename!r}, which is not a plain file name")
        stem, dot, suffix = basename.partition(".")
        name, number = basename, 1
        while name in taken:
            number += 1
            name = f"{stem}_{number}{dot}{suffix}"
        taken.add(name)
        yield from _files(store, item, prefix + name, what)


def _files(store: Store, item: Json, path: str, what: str) -> Iterator[Entry]:
    oid = oid_of(item)
    if oid.endswith(DIR_SUFFIX):
        yield from (Entry(f"{path}/{entry.relpath}", entry.md5) for entry in store.entries(oid))
    elif oid:
        yield Entry(path, oid)
    elif item["class"] == "Directory" and "location" not in item:
        yield from _named(store, item.get("listing", ()), f"{path}/", what)
    else:
        raise VersioningError(f"{what} has {item.get('location', path)}, which is not in the store")


def _described(store: Store, oid: str) -> Data:
    if not oid.endswith(DIR_SUFFIX):
        return Data(oid, store.path_of(oid).stat().st_size)
    entries = store.entries(oid)
    return Data(oid, sum(store.path_of(entry.md5).stat().st_size for entry in entries), len(entries))


def _kind(value: Json) -> str:
    if isinstance(value, list):
        return "a list that holds other values than files"
    return f"the value {value!r}" if not isinstance(value, dict) else "an object"
