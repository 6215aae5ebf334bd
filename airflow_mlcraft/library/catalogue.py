"""All documents that there are to work with: those of the folder, and the shipped ones that it does not have."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from airflow_mlcraft.cwl.discover import SUFFIXES
from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.library.errors import BadNameError, NoSuchDocumentError
from airflow_mlcraft.library.folder import DocumentFolder, Text, read_text
from airflow_mlcraft.library.references import moved, references_of
from airflow_mlcraft.library.summary import Summary, summary_of
from airflow_mlcraft.project.user_dirs import find_shipped

SHIPPED = "shipped:"
"""What the paths of shipped documents begin with; in the folder no path can."""
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
        """Whether it came with MLcraft, and can only be copied."""
        return self.path.startswith(SHIPPED)

    def to_json(self) -> Json:
        """For a page."""
        own = self.summary.to_json()
        copy = {"copy_to": self.path.removeprefix(SHIPPED)} if self.is_shipped else {}
        return {"path": self.path, **own, "origin": "shipped" if self.is_shipped else "folder", **copy}


def entries_of(folder: DocumentFolder) -> list[Entry]:
    """The folder's documents, then the shipped ones."""
    ids = folder.dag_ids() if folder.root.is_dir() else {}
    names = folder.names() if folder.root.is_dir() else []
    own = [_entry(name, folder.root / name, ids[name]) for name in names if name in ids]
    there = set(names)
    return own + [_entry(f"{SHIPPED}{name}", path, "") for name, path in _shipped() if name not in there]


def read_any(folder: DocumentFolder, path: str) -> Text:
    """The text of a document of either kind."""
    return read_text(shipped_path(path), path) if path.startswith(SHIPPED) else folder.read(path)


def shipped_path(path: str) -> Path:
    """Where a shipped document lies."""
    for name, file in _shipped():
        if f"{SHIPPED}{name}" == path:
            return file
    raise NoSuchDocumentError(f"there is no shipped document {path.removeprefix(SHIPPED)}")


def _shipped() -> list[tuple[str, Path]]:
    return [
        (f"{kind}/{file.name}", file) for kind in _SHIPPED_FOLDERS for file in sorted(find_shipped(kind).glob("*.cwl"))
    ]


def _entry(name: str, path: Path, dag_id: str) -> Entry:
    try:
        state = path.stat()
        summary, refers_to = _looked_at(name, str(path), state.st_mtime_ns, state.st_size)
    except (OSError, MlcraftError) as error:
        stem = name.rpartition("/")[2].rpartition(".")[0]
        return Entry(name, dag_id, Summary(name=stem, error=str(error)))
    return Entry(name, dag_id, summary, refers_to, state.st_mtime, state.st_size)


@lru_cache(maxsize=8192)
def _looked_at(name: str, path: str, _changed: int, _size: int) -> tuple[Summary, frozenset[str]]:
    text = read_text(Path(path), name).text
    return summary_of(text, name), frozenset(found.target for found in references_of(text, name))


def take(folder: DocumentFolder, path: str, to: str, may_write: Callable[[str], object]) -> tuple[str, list[str]]:
    """Copy the shipped document at `path`; the copy's version, and what else came along.

    A document that the folder has already is left as it is.
    """
    if not path.startswith(SHIPPED):
        raise BadNameError(f"{path} is no shipped document; duplicate it")
    name = path.removeprefix(SHIPPED)
    text = read_text(shipped_path(path), path).text
    brought: dict[str, str] = {}
    _gather(folder, name, text, brought)
    for other in brought:
        may_write(other)
    version = folder.save(to, moved(text, name, to), None)
    for other, content in brought.items():
        folder.save(other, content, None)
    return version, list(brought)


def _gather(folder: DocumentFolder, name: str, text: str, brought: dict[str, str]) -> None:
    for found in references_of(text, name):
        other = posixpath.normpath(found.target)
        if other in brought or not other.endswith(SUFFIXES):
            continue
        try:
            folder.read(other)
        except NoSuchDocumentError:
            brought[other] = read_text(shipped_path(SHIPPED + other), other).text
            _gather(folder, other, brought[other], brought)
        except MlcraftError:
            continue
