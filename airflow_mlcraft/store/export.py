"""Export of output files from the store into a folder, under their basenames."""

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
    """Return a value whose files are in `folder`, with checksums: as copies if `writable`, otherwise as links."""
    return _Export(store, writable, folder).export(value, _OutputFolder(folder))


@dataclass
class _OutputFolder:
    """An output folder, and the names used in it so far."""

    path: Path
    sources: dict[str, str] = field(default_factory=dict)

    def choose_path(self, basename: str, source: str) -> tuple[Path, bool]:
        """Return the path for a basename, and whether the same source is already there; other files get a number."""
        safe_name(basename)
        stem, dot, suffix = basename.partition(".")
        name, number = basename, 1
        while self.sources.get(name, source) != source:
            number += 1
            name = f"{stem}_{number}{dot}{suffix}"
        exists = name in self.sources
        self.sources[name] = source
        return self.path / name, exists


class _Export:
    def __init__(self, store: Store, writable: bool, root: Path):
        self._store = store
        self._root = root
        self._write_object = store.copy if writable else store.link

    def export(self, value: Json, output_folder: _OutputFolder) -> Json:
        if isinstance(value, list):
            return [self.export(item, output_folder) for item in value]
        if not isinstance(value, dict):
            return value
        if value.get("class") == "File":
            return self._export_file(value, output_folder)
        if value.get("class") == "Directory":
            return self._export_folder(value, output_folder)
        return {key: self.export(item, output_folder) for key, item in value.items()}

    def _export_file(self, file: Mapping[str, Any], output_folder: _OutputFolder) -> Json:
        location = str(file.get("location", ""))
        if not location.startswith(STORE):
            return dict(file)
        path, exists = output_folder.choose_path(file["basename"], location)
        if not exists:
            self._create_folder(path.parent)
            path.unlink(missing_ok=True)
            self._write_object(oid_of(file), path)
        other_fields = {
            key: item for key, item in file.items() if key not in ("secondaryFiles", "contents", "location")
        }
        exported = {**other_fields, **_file_fields(path), "class": "File"}
        if file.get("secondaryFiles"):
            exported["secondaryFiles"] = [self.export(item, output_folder) for item in file["secondaryFiles"]]
        return exported

    def _export_folder(self, folder: Mapping[str, Any], output_folder: _OutputFolder) -> Json:
        location = str(folder.get("location", ""))
        path, exists = output_folder.choose_path(folder["basename"], location or str(id(folder)))
        inside = _OutputFolder(path)
        if location and not location.startswith(STORE):
            return dict(folder)
        if not exists:
            self._create_folder(path)
        listing = (
            self._export_stored_folder(folder, inside)
            if location
            else [self.export(item, inside) for item in folder.get("listing", ())]
        )
        other_fields = {key: item for key, item in folder.items() if key not in ("listing", EMPTY_FOLDERS)}
        return {**other_fields, "location": path.as_uri(), "basename": path.name, "listing": listing}

    def _create_folder(self, folder: Path) -> None:
        """Create a folder for outputs. Names were checked before; this refuses existing symbolic links."""
        if not is_inside_folder(folder, self._root):
            raise StoreError(f"{folder} is a link out of {self._root}, where the outputs belong; remove the link")
        folder.mkdir(parents=True, exist_ok=True)

    def _export_stored_folder(self, folder: Mapping[str, Any], output_folder: _OutputFolder) -> list[Json]:
        """Export the files of a folder in the store, and return its nested listing."""
        tree: dict[str, Any] = {}
        for entry in self._store.entries(oid_of(folder)):
            _subtree(tree, PurePosixPath(entry.relpath).parent)[PurePosixPath(entry.relpath).name] = entry.md5
        for empty in folder.get(EMPTY_FOLDERS, ()):
            _subtree(tree, PurePosixPath(empty))
        return self._export_tree(tree, output_folder)

    def _export_tree(self, tree: Mapping[str, Any], output_folder: _OutputFolder) -> list[Json]:
        return [
            self._export_file({"class": "File", "basename": name, "location": STORE + node}, output_folder)
            if isinstance(node, str)
            else self._export_subfolder(name, node, output_folder)
            for name, node in tree.items()
        ]

    def _export_subfolder(self, name: str, tree: Mapping[str, Any], output_folder: _OutputFolder) -> Json:
        path, _ = output_folder.choose_path(name, "folder")
        self._create_folder(path)
        return {
            "class": "Directory",
            "location": path.as_uri(),
            "basename": name,
            "listing": self._export_tree(tree, _OutputFolder(path)),
        }


def _subtree(tree: dict[str, Any], path: PurePosixPath) -> dict[str, Any]:
    for name in path.parts:
        tree = tree.setdefault(name, {})
    return tree


def _file_fields(path: Path) -> dict[str, Any]:
    return {
        "location": path.as_uri(),
        "basename": path.name,
        "checksum": f"sha1${hash_of_file(path, 'sha1')}",
        "size": path.stat().st_size,
    }
