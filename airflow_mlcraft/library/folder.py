"""The documents folder: listing, reading, saving, renaming and deleting documents. No path leads out of it.

Each class of errors is a different HTTP response.
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from airflow_mlcraft.common.files import create_atomically, write_atomically
from airflow_mlcraft.common.locks import temporary_lock
from airflow_mlcraft.cwl.discover import SUFFIXES, find_document_names
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.layout.tasks import TaskIds

LOCK = ".mlcraft.lock"
"""The file that is locked while something in its folder is changed."""
_LOCK_TIMEOUT = 30.0
MAX_SIZE = 2 * 1024 * 1024
"""The maximal size of a document in bytes. The largest known ones have some hundred thousand."""


class BadNameError(MlcraftError):
    """A path that cannot be the path of a document below the folder."""


class NoSuchDocumentError(MlcraftError):
    """There is no document of that path."""


class ReadOnlyError(MlcraftError):
    """The folder, or a file in it, cannot be written."""


class TooLargeError(MlcraftError):
    """A file that is larger than any document."""


class NotTextError(MlcraftError):
    """A file or a text that is not UTF-8."""


class TakenError(MlcraftError):
    """A document of that path exists already."""


class ConflictError(MlcraftError):
    """The document has changed since it was read; `text` and `version` are the current ones."""

    def __init__(self, message: str, *, text: str, version: str):
        self.text = text
        self.version = version
        super().__init__(message)


@dataclass(frozen=True)
class DocumentText:
    """The text of a document, as it is on disk."""

    text: str
    version: str
    modified: float


class DocumentFolder:
    """The documents below `root`, by their paths with slashes."""

    def __init__(self, root: Path):
        self.root = Path(os.path.realpath(root))

    # Reading

    def list_names(self) -> list[str]:
        """Return the paths of all documents; those that a link leads to outside of the folder are left out."""
        return [name for name in find_document_names(self.root) if self._is_inside(self.root / name)]

    def list_dag_ids(self) -> dict[str, str]:
        """Return the DAG id of each document, as in the DAG file that loads the folder."""
        ids = TaskIds()
        return {name: ids.task(_dag_name(name)) for name in find_document_names(self.root)}

    def dag_id(self, name: str) -> str:
        """Return the DAG id of a document, which need not exist."""
        found = self.list_dag_ids()
        return found.get(name) or TaskIds().task(_dag_name(name))

    def path_of(self, name: str) -> Path:
        """Return the file of a document, which need not exist."""
        path = self.root / validate_path(name)
        if not self._is_inside(path):
            raise BadNameError(f"{name!r} leads out of the documents folder, through a link; open it where it is")
        return path

    def find_write_obstacle(self) -> str:
        """Return why nothing can be saved in the folder; "" if it can."""
        if not self.root.is_dir():
            return f"There is no documents folder {self.root}; make it, or set [mlcraft] documents."
        if not os.access(self.root, os.W_OK | os.X_OK):
            return f"{self.root} is read-only for the API server, so nothing can be saved there."
        return ""

    def read(self, name: str) -> DocumentText:
        """Read the text of a document, and its version: the hash of its bytes."""
        return read_text(self.path_of(name), name)

    # Writing

    def save(self, name: str, text: str, base: str | None) -> str:
        """Write a document whose version still is `base`, or a new one when that is None. Returns the new version."""
        data = _encode(text)
        path = self.path_of(name)
        with _readable_os_errors(path):
            self._create_parent_folder(path)
            with _lock_folder(path.parent):
                if base is None:
                    self._create(name, path, data)
                else:
                    self._check_version(name, base)
                    target = Path(os.path.realpath(path))
                    write_atomically(target, data, mode=target.stat().st_mode & 0o7777, sync=True)
        return _version(data)

    def rename(self, name: str, to: str, base: str, text: str) -> str:
        """Move a document whose version still is `base` to another path, with a new text. Returns the new version."""
        self._check_version(name, base)
        version = self.save(to, text, None)
        self.delete(name, base)
        return version

    def delete(self, name: str, base: str) -> None:
        """Delete a document whose version still is `base`."""
        path = self.path_of(name)
        with _readable_os_errors(path), _lock_folder(path.parent):
            self._check_version(name, base)
            path.unlink()

    def _check_version(self, name: str, base: str) -> DocumentText:
        current = self.read(name)
        if current.version != base:
            raise ConflictError(
                f"{name} was changed by somebody else since you opened it; compare the two and save again",
                text=current.text,
                version=current.version,
            )
        return current

    def _create(self, name: str, path: Path, data: bytes) -> None:
        try:
            create_atomically(path, data, sync=True)
        except FileExistsError:
            current = self.read(name)
            raise ConflictError(
                f"{name} is there already; give another name, or open it", text=current.text, version=current.version
            ) from None

    def _create_parent_folder(self, path: Path) -> None:
        if not self.root.is_dir():
            raise ReadOnlyError(self.find_write_obstacle())
        if path.is_dir():
            raise TakenError(f"{path.relative_to(self.root)} is a folder; give another name")
        path.parent.mkdir(parents=True, exist_ok=True)

    def _is_inside(self, path: Path) -> bool:
        real = os.path.realpath(path)
        return os.path.commonpath([real, self.root]) == str(self.root)


def read_text(path: Path, name: str) -> DocumentText:
    """Read the text of a document's file. Raises an `MlcraftError` if it cannot be read as a document."""
    try:
        if not path.is_file():
            raise NoSuchDocumentError(f"there is no document {name}")
        state = path.stat()
        if state.st_size > MAX_SIZE:
            raise TooLargeError(f"{name} has {state.st_size:,} bytes, and a document at most {MAX_SIZE:,}")
        data = path.read_bytes()
    except OSError as error:
        raise NoSuchDocumentError(f"{name} cannot be read: {error.strerror or error}") from error
    try:
        return DocumentText(data.decode(), _version(data), state.st_mtime)
    except UnicodeDecodeError as error:
        raise NotTextError(f"{name} is not UTF-8 text ({error.reason} at byte {error.start:,})") from None


def _dag_name(name: str) -> str:
    return name.removesuffix(".cwl").replace("/", ".")


def _version(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _encode(text: str) -> bytes:
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        raise NotTextError(f"the text cannot be written as UTF-8 ({error.reason})") from None
    if len(data) > MAX_SIZE:
        raise TooLargeError(f"the text has {len(data):,} bytes, and a document at most {MAX_SIZE:,}")
    return data


@contextmanager
def _readable_os_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except MlcraftError:
        raise
    except (NotADirectoryError, FileExistsError) as error:
        raise BadNameError(f"a folder on the way to {path.name} is a file; give another name") from error
    except OSError as error:
        raise ReadOnlyError(f"{path} cannot be changed: {error.strerror or error}") from error


@contextmanager
def _lock_folder(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, which all API servers share, also on several machines.

    A server that hangs while it holds the lock does not make the others hang: they raise `ReadOnlyError`.
    """
    path = folder / LOCK
    with temporary_lock(path, _LOCK_TIMEOUT) as held:
        if not held:
            raise ReadOnlyError(
                f"somebody has been saving in {folder} for {_LOCK_TIMEOUT:.0f} s; try again, and if it stays so, end "
                f"the process that has {path} open"
            )
        yield


_MAX_LENGTH = 1000
_MAX_PART = 240


def validate_path(path: str) -> str:
    """Return the path of a document below the folder. Raises `BadNameError` for a path that cannot be one."""
    if fault := _find_fault(path):
        raise BadNameError(f"{_truncated_repr(path)} cannot be the path of a document: {fault}")
    return path


def _find_fault(path: str) -> str:
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in path):
        return "it has characters that cannot be seen"
    if path.startswith("/") or "\\" in path or ":" in path:
        return "expected one below the documents folder, with / between folders, such as texts/count.cwl"
    parts = path.split("/")
    if any(not part or part.startswith((".", "__pycache__")) for part in parts):
        return "each of its names has to be there, and not to begin with a dot"
    if not path.endswith(SUFFIXES):
        return f"expected a name that ends with one of {', '.join(SUFFIXES)}"
    too_long = len(path) > _MAX_LENGTH or any(len(part.encode()) > _MAX_PART for part in parts)
    return "it is too long" if too_long else ""


def _truncated_repr(path: str) -> str:
    text = repr(path)
    return text if len(text) <= 80 else f"{text[:79]}…'"  # noqa: PLR2004
