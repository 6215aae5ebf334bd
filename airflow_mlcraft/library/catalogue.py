"""The documents of a folder and the shipped documents: listing, reading, and copying shipped ones to the folder."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from airflow_mlcraft.cwl.discover import SUFFIXES
from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.library.folder import BadNameError, DocumentFolder, DocumentText, NoSuchDocumentError, read_text
from airflow_mlcraft.library.references import find_references, move_references
from airflow_mlcraft.library.summary import Summary, summarize
from airflow_mlcraft.project.user_dirs import find_shipped

SHIPPED = "shipped:"
"""The prefix of the paths of shipped documents; no path in the folder can begin with it."""
_SHIPPED_FOLDERS = ("tools", "workflows")


@dataclass(frozen=True)
class Entry:
    """A document in the list."""

    path: str
    dag_id: str
    summary: Summary
    refers_to: frozenset[str] = frozenset()
    modified: float = 0.0
    size: int = 0

    @property
    def is_shipped(self) -> bool:
        """Whether it is shipped with MLcraft, and can only be copied."""
        return self.path.startswith(SHIPPED)

    def to_json(self) -> Json:
        """Return the JSON object for the web page."""
        summary = self.summary.to_json()
        copy = {"copy_to": self.path.removeprefix(SHIPPED)} if self.is_shipped else {}
        return {"path": self.path, **summary, "origin": "shipped" if self.is_shipped else "folder", **copy}


def list_entries(folder: DocumentFolder) -> list[Entry]:
    """List the folder's documents, then the shipped ones whose paths are not in the folder."""
    ids = folder.list_dag_ids() if folder.root.is_dir() else {}
    names = folder.list_names() if folder.root.is_dir() else []
    own = [_build_entry(name, folder.root / name, ids[name]) for name in names if name in ids]
    existing = set(names)
    return own + [_build_entry(f"{SHIPPED}{name}", path, "") for name, path in _list_shipped() if name not in existing]


def load_text(folder: DocumentFolder, path: str) -> DocumentText:
    """Read the text of a document of the folder or of a shipped one."""
    return read_text(find_shipped_document(path), path) if path.startswith(SHIPPED) else folder.read(path)


def find_shipped_document(path: str) -> Path:
    """Return the file of a shipped document."""
    for name, file in _list_shipped():
        if f"{SHIPPED}{name}" == path:
            return file
    raise NoSuchDocumentError(f"there is no shipped document {path.removeprefix(SHIPPED)}")


def _list_shipped() -> list[tuple[str, Path]]:
    return [
        (f"{kind}/{file.name}", file) for kind in _SHIPPED_FOLDERS for file in sorted(find_shipped(kind).glob("*.cwl"))
    ]


def _build_entry(name: str, path: Path, dag_id: str) -> Entry:
    try:
        state = path.stat()
        summary, refers_to = _summarize_file(name, str(path), state.st_mtime_ns, state.st_size)
    except (OSError, MlcraftError) as error:
        stem = name.rpartition("/")[2].rpartition(".")[0]
        return Entry(name, dag_id, Summary(name=stem, error=str(error)))
    return Entry(name, dag_id, summary, refers_to, state.st_mtime, state.st_size)


@lru_cache(maxsize=8192)
def _summarize_file(name: str, path: str, _changed: int, _size: int) -> tuple[Summary, frozenset[str]]:
    text = read_text(Path(path), name).text
    return summarize(text, name), frozenset(found.target for found in find_references(text, name))


def copy_shipped(
    folder: DocumentFolder, path: str, to: str, may_write: Callable[[str], object]
) -> tuple[str, list[str]]:
    """Copy the shipped document at `path`, and the documents it refers to that are not in the folder, to the folder.

    Returns the version of the copy, and the paths of the other copied documents. `may_write` raises where a path may
    not be written.
    """
    if not path.startswith(SHIPPED):
        raise BadNameError(f"{path} is no shipped document; duplicate it")
    name = path.removeprefix(SHIPPED)
    text = read_text(find_shipped_document(path), path).text
    copied: dict[str, str] = {}
    _collect_missing(folder, name, text, copied)
    for other in copied:
        may_write(other)
    version = folder.save(to, move_references(text, name, to), None)
    for other, content in copied.items():
        folder.save(other, content, None)
    return version, list(copied)


def _collect_missing(folder: DocumentFolder, name: str, text: str, copied: dict[str, str]) -> None:
    for found in find_references(text, name):
        other = posixpath.normpath(found.target)
        if other in copied or not other.endswith(SUFFIXES):
            continue
        try:
            folder.read(other)
        except NoSuchDocumentError:
            copied[other] = read_text(find_shipped_document(SHIPPED + other), other).text
            _collect_missing(folder, other, copied[other], copied)
        except MlcraftError:
            continue
