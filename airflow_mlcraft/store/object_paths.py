"""Names and paths of objects in DVC's layout: `files/md5/ab/cdef…`, folders as `<md5>.dir`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_mlcraft.common.safe_names import is_safe_relative_path
from airflow_mlcraft.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable

OBJECTS = "files/md5"
DIR_SUFFIX = ".dir"

_OID = re.compile(r"[0-9a-f]{32}(\.dir)?")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a folder: its relative path with slashes, and the hash of its content."""

    relpath: str
    md5: str


def is_oid(oid: str) -> bool:
    """Whether a text is the name of an object: an md5, followed by `.dir` for a folder."""
    return _OID.fullmatch(oid) is not None


def object_path(oid: str) -> str:
    """Return the path of an object relative to the root of a store or of a remote."""
    if not is_oid(oid):
        # Names come from XCom and from remotes: a path must never lead out of the store.
        raise StoreError(f"{oid!r} does not name an object: an md5 does, with '.dir' behind it for a folder.")
    return f"{OBJECTS}/{oid[:2]}/{oid[2:]}"


def build_dir_object(entries: Iterable[Entry]) -> bytes:
    """Build the bytes of a `.dir` object. DVC hashes these bytes, so order and spacing matter."""
    ordered = sorted(entries, key=lambda entry: entry.relpath)
    return json.dumps([{"md5": entry.md5, "relpath": entry.relpath} for entry in ordered]).encode()


def parse_dir_object(oid: str, data: bytes) -> list[Entry]:
    """Parse the files that a `.dir` object lists."""
    try:
        entries = [Entry(item["relpath"], item["md5"]) for item in json.loads(data)]
        is_valid = all(is_safe_relative_path(entry.relpath) and is_oid(entry.md5) for entry in entries)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreError(f"Object {oid} is damaged: it is not the listing of a folder ({error}).") from error
    if not is_valid:
        raise StoreError(f"Object {oid} is damaged: it names files outside of its folder.")
    return entries
