"""Output files out of the store, into a folder, under the names that people expect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.common.hashing import hash_of_file
from airflow_mlcraft.common.safe_names import is_inside_folder, safe_name
from airflow_mlcraft.errors import StoreError
from airflow_mlcraft.store.values import EMPTY_FOLDERS, STORE, oid_of

if TYPE_CHECKING:
    from airflow_mlcraft.cwl.plan import Json
    from airflow_mlcraft.store.store import Store


def export_value(store: Store, value: Json, folder: Path, *, writable: bool) -> Json:
    """A value whose files are in `folder`, with their checksums: copies when they are to be written to, else links."""
    return _Export(store, writable, folder).value(value, _Room(folder))


@dataclass
class _Room:
    """A folder, and the names that are taken in it."""

    path: Path
    taken: dict[str, str] = field(default_factory=dict)

    def place(self, basename: str, source: str) -> tuple[Path, bool]:
        """Where a file of that name goes, and whether the very same is there already."""
        safe_name(basename)
        stem, dot, suffix = basename.partition(".")
        name, number = basename, 1
        while self.taken.get(name, source) != source:
            number += 1
            name = f"{stem}_{number}{dot}{suffix}"
        known = name in self.taken
        self.taken[name] = source
        return self.path / name, known


class _Export:
    def __init__(self, store: Store, writable: bool, root: Path):
        self._store = store
        self._root = root
        self._put = store.copy if writable else store.link

    def value(self, value: Json, room: _Room) -> Json:
        if isinstance(value, list):
            return [self.value(item, room) for item in value]
        if not isinstance(value, dict):
            return value
        if value.get("class") == "File":
            return self._file(value, room)
        if value.get("class") == "Directory":
            return self._folder(value, room)
        return {key: self.value(item, room) for key, item in value.items()}

    def _file(self, file: Mapping[str, Any], room: _Room) -> Json:
        location = str(file.get("location", ""))
        if not location.startswith(STORE):
            return dict(file)
        path, known = room.place(file["basename"], location)
        if not known:
            self._make(path.parent)
            path.unlink(missing_ok=True)
            self._put(oid_of(file), path)
        rest = {key: item for key, item in file.items() if key not in ("secondaryFiles", "contents", "location")}
        exported = {**rest, **_described(path), "class": "File"}
        if file.get("secondaryFiles"):
            exported["secondaryFiles"] = [self.value(item, room) for item in file["secondaryFiles"]]
        return exported

    def _folder(self, folder: Mapping[str, Any], room: _Room) -> Json:
        location = str(folder.get("location", ""))
        path, known = room.place(folder["basename"], location or str(id(folder)))
        inside = _Room(path)
        if location and not location.startswith(STORE):
            return dict(folder)
        if not known:
            self._make(path)
        listing = (
            self._stored(folder, inside)
            if location
            else [self.value(item, inside) for item in folder.get("listing", ())]
        )
        rest = {key: item for key, item in folder.items() if key not in ("listing", EMPTY_FOLDERS)}
        return {**rest, "location": path.as_uri(), "basename": path.name, "listing": listing}

    def _make(self, folder: Path) -> None:
        """Make a folder for outputs. Names are checked before; a symbolic link that was there is found here."""
        if not is_inside_folder(folder, self._root):
            raise StoreError(f"{folder} is a link out of {self._root}, where the outputs belong; remove the link")
        folder.mkdir(parents=True, exist_ok=True)

    def _stored(self, folder: Mapping[str, Any], room: _Room) -> list[Json]:
        """A folder of the store, as its nested listing."""
        tree: dict[str, Any] = {}
        for entry in self._store.entries(oid_of(folder)):
            _branch(tree, PurePosixPath(entry.relpath).parent)[PurePosixPath(entry.relpath).name] = entry.md5
        for empty in folder.get(EMPTY_FOLDERS, ()):
            _branch(tree, PurePosixPath(empty))
        return self._listing(tree, room)

    def _listing(self, tree: Mapping[str, Any], room: _Room) -> list[Json]:
        return [
            self._file({"class": "File", "basename": name, "location": STORE + node}, room)
            if isinstance(node, str)
            else self._branch(name, node, room)
            for name, node in tree.items()
        ]

    def _branch(self, name: str, tree: Mapping[str, Any], room: _Room) -> Json:
        path, _ = room.place(name, "folder")
        self._make(path)
        return {
            "class": "Directory",
            "location": path.as_uri(),
            "basename": name,
            "listing": self._listing(tree, _Room(path)),
        }


def _branch(tree: dict[str, Any], path: PurePosixPath) -> dict[str, Any]:
    for name in path.parts:
        tree = tree.setdefault(name, {})
    return tree


def _described(path: Path) -> dict[str, Any]:
    return {
        "location": path.as_uri(),
        "basename": path.name,
        "checksum": f"sha1${hash_of_file(path, 'sha1')}",
        "size": path.stat().st_size,
    }
