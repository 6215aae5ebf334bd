"""The store: adds files by their content, and provides them as links, copies or paths.

The layout is that of DVC's cache, so a store may be a repository's `.dvc/cache`. There is no lock: an object
is written under a temporary name and renamed, which any number of processes can do at the same time.
"""

# Plain strings: a Path for each of thousands of files costs more than the work itself.
# ruff: noqa: PTH100, PTH101, PTH103, PTH113, PTH114, PTH116

from __future__ import annotations

import errno
import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.common.hashing import md5_of_bytes, md5_of_file, md5_of_files
from airflow_mlcraft.errors import StoreError
from airflow_mlcraft.store import file_ops
from airflow_mlcraft.store.folder import list_files
from airflow_mlcraft.store.object_paths import (
    DIR_SUFFIX,
    OBJECTS,
    Entry,
    build_dir_object,
    is_oid,
    object_path,
    parse_dir_object,
)
from airflow_mlcraft.store.remote import Remote
from airflow_mlcraft.store.task_folders import TEMPORARY, unique_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from airflow_mlcraft.store.folder import FolderFile

_WRITABLE = 0o222
_JOBS = 16


class Store:
    """A local folder of objects, and an optional remote (an fsspec URL with the same layout)."""

    def __init__(
        self,
        root: str | os.PathLike[str],
        *,
        remote: str = "",
        remote_options: Mapping[str, Any] | None = None,
    ):
        self.root = Path(os.path.realpath(root))
        self._remote = Remote(remote, remote_options or {}) if remote else None
        self._objects = f"{self.root}/{OBJECTS}/"
        self._temporary = f"{self.root}/{TEMPORARY}"

    def __repr__(self) -> str:
        return f"Store({str(self.root)!r}{f', remote={str(self._remote)!r}' if self._remote else ''})"

    @property
    def url(self) -> str:
        """The location of the objects for others: the URL of the remote without credentials, or this folder."""
        return str(self._remote) if self._remote is not None else str(self.root)

    def __contains__(self, oid: object) -> bool:
        if not isinstance(oid, str) or not is_oid(oid):
            return False
        return os.path.isfile(self._local_path(oid)) or (self._remote is not None and self._remote.has(oid))

    def add_file(
        self, path: str | os.PathLike[str], *, hand_over: bool = False, known: Mapping[str, str] | None = None
    ) -> str:
        """Add a file and return its md5; a symbolic link is added as the file it points to.

        With `hand_over` the file itself becomes the object, by hardlink, and is read-only afterwards.
        Without it, or if the file already has other hardlinks, the store makes a copy.
        `known` maps paths to the objects they are hardlinks of, which saves hashing; it is used only if
        both are the same file on disk.
        """
        given = os.path.abspath(path)
        with file_ops.translate_os_errors(f"Cannot keep {given} in the store at {self.root}"):
            file = os.path.realpath(given)
            state = file_ops.stat_file(file)
            oid = self._find_known_oid(file, state, known) or (known and self._find_known_oid(given, state, known))
            if not oid:
                oid = md5_of_file(file)
                self._add_object(oid, file, state, hand_over=hand_over and not os.path.islink(given))
        self._push([oid])
        return oid

    def add_folder(
        self, path: str | os.PathLike[str], *, hand_over: bool = False, known: Mapping[str, str] | None = None
    ) -> str:
        """Add a folder and return its `<md5>.dir`, as `dvc add` would name it. For the arguments see `add_file`.

        Unlike `dvc add`, it includes folders behind symbolic links. A `.dir` object cannot list empty folders.
        """
        folder = os.path.abspath(path)
        with file_ops.translate_os_errors(f"Cannot keep {folder} in the store at {self.root}"):
            found = list(list_files(folder))
            oids = self._add_all(found, hand_over=hand_over, known=known)
            # Last, so that a listing in the store never names files that are missing.
            tree = self._add_listing(Entry(file.relpath, oid) for file, oid in zip(found, oids, strict=True))
        self._push(oids)
        self._push([tree])
        return tree

    def add_listing(self, entries: Iterable[Entry]) -> str:
        """Add a folder whose files are already in the store, and return its `<md5>.dir`."""
        with file_ops.translate_os_errors(f"Cannot keep a folder in the store at {self.root}"):
            tree = self._add_listing(entries)
        self._push([tree])
        return tree

    def add_bytes(self, data: bytes) -> str:
        """Add an object with the given bytes and return its md5."""
        oid = md5_of_bytes(data)
        with file_ops.translate_os_errors(f"Cannot keep {len(data)} bytes in the store at {self.root}"):
            self._write_object(oid, len(data), lambda temporary: _write(temporary, data))
        self._push([oid])
        return oid

    def copy_from(self, oids: Iterable[str], source: Store) -> None:
        """Add objects of another store: as hardlinks if both are on one file system, otherwise as copies.

        For a folder its files are added first, and its listing last.
        """
        files: dict[str, None] = {}
        folders = []
        for oid in oids:
            if oid.endswith(DIR_SUFFIX):
                folders.append(oid)
                files.update(dict.fromkeys(entry.md5 for entry in source.entries(oid)))
            else:
                files[oid] = None
        with file_ops.translate_os_errors(f"Cannot bring data into the cache at {self.root}"):
            for oid in (*files, *folders):
                self._copy_object(oid, source)

    def mark_used(self, oids: Iterable[str]) -> None:
        """Set the access time of objects, by which `mlcraft prune` judges; missing objects are skipped."""
        now = time.time_ns()
        for oid in oids:
            _set_access_time(self._local_path(oid), now)

    def path_of(self, oid: str) -> Path:
        """Return the local path of an object, downloaded from the remote if necessary. Never write to it."""
        path = self._local_path(oid)
        if not os.path.isfile(path):
            self._pull(oid)
        return Path(path)

    def entries(self, oid: str) -> list[Entry]:
        """Return the files of a folder."""
        if not oid.endswith(DIR_SUFFIX):
            raise StoreError(f"{oid} is a file in the store, not a folder: a folder's name ends with '.dir'.")
        with file_ops.translate_os_errors(f"Cannot read {oid} in the store at {self.root}"):
            return parse_dir_object(oid, self.path_of(oid).read_bytes())

    def checkout(self, oid: str, target: str | os.PathLike[str]) -> None:
        """Create a folder of read-only hardlinks, or copies; existing files are not replaced."""
        entries = self.entries(oid)
        self._pull_all(entry.md5 for entry in entries)
        with file_ops.translate_os_errors(f"Cannot put {oid} at {os.fspath(target)}"):
            base = os.path.abspath(target)
            os.makedirs(base, exist_ok=True)
            created = {base}
            for entry in entries:
                file = f"{base}/{entry.relpath}"
                parent = file.rpartition("/")[0]
                if parent not in created:
                    os.makedirs(parent, exist_ok=True)
                    created.add(parent)
                file_ops.link_or_copy(self._local_path(entry.md5), file)

    def link(self, oid: str, target: str | os.PathLike[str]) -> None:
        """Create a file that is a read-only hardlink to the object, or a read-only copy."""
        source = self.path_of(oid)
        with file_ops.translate_os_errors(f"Cannot put {oid} at {os.fspath(target)}"):
            file_ops.link_or_copy(str(source), os.fspath(target))

    def copy(self, oid: str, target: str | os.PathLike[str]) -> None:
        """Create a writable copy, sharing blocks if the file system can."""
        source = self.path_of(oid)
        with file_ops.translate_os_errors(f"Cannot copy {oid} to {os.fspath(target)}"):
            if os.path.lexists(target):
                raise FileExistsError(errno.EEXIST, "File exists", os.fspath(target))
            folder, name = os.path.split(os.path.abspath(target))
            with file_ops.replace_on_success(f"{folder}/{name}", f"{folder}/.{unique_name()}") as temporary:
                file_ops.copy_bytes(str(source), temporary)

    def _copy_object(self, oid: str, source: Store) -> None:
        path, target = str(source.path_of(oid)), self._local_path(oid)
        try:
            # A link is atomic.
            os.link(path, target)
        except OSError:
            self._write_object(oid, os.stat(path).st_size, lambda temporary: file_ops.link_or_copy(path, temporary))

    def _add_listing(self, entries: Iterable[Entry]) -> str:
        listing = build_dir_object(entries)
        tree = md5_of_bytes(listing) + DIR_SUFFIX
        self._write_object(tree, len(listing), lambda temporary: _write(temporary, listing))
        return tree

    def _add_all(self, found: list[FolderFile], *, hand_over: bool, known: Mapping[str, str] | None) -> list[str]:
        """Add all files and return their names as objects."""
        oids = [
            self._find_known_oid(os.path.realpath(file.path) if file.linked else file.path, file.state, known)
            for file in found
        ]
        fresh = [index for index, oid in enumerate(oids) if not oid]
        hashes = md5_of_files([(found[index].path, found[index].state.st_size) for index in fresh])
        for index, oid in zip(fresh, hashes, strict=True):
            file = found[index]
            self._add_object(oid, file.path, file.state, hand_over=hand_over and not file.linked)
            oids[index] = oid
        return oids

    def _find_known_oid(self, path: str, state: os.stat_result, known: Mapping[str, str] | None) -> str:
        """Return the object that a file is a hardlink of, by its path or by `known`; "" if it has to be hashed."""
        if path.startswith(self._objects):
            oid = path[len(self._objects) :].replace("/", "", 1)
            if is_oid(oid) and not oid.endswith(DIR_SUFFIX) and self._local_path(oid) == path:
                return oid
        oid = known.get(path, "") if known else ""
        if oid:
            try:
                # A tool may have replaced the file that it was given.
                return oid if os.path.samestat(state, os.stat(self._local_path(oid))) else ""
            except FileNotFoundError:
                return ""
        return ""

    def _add_object(self, oid: str, path: str, state: os.stat_result, *, hand_over: bool) -> None:
        # A file with other hardlinks must not become read-only: they may belong to the user.
        link_or_copy = (
            file_ops.link_and_make_read_only if hand_over and state.st_nlink == 1 else file_ops.copy_read_only
        )

        def make(temporary: str) -> None:
            link_or_copy(path, temporary)
            now = os.stat(path)
            if (now.st_size, now.st_mtime_ns) != (state.st_size, state.st_mtime_ns):
                raise StoreError(f"{path} changed while it was being kept. Is something still writing to it?")

        self._write_object(oid, state.st_size, make)

    def _write_object(self, oid: str, size: int, make: Callable[[str], None]) -> None:
        """Write an object with `make` at a temporary path and rename it, unless a complete one exists."""
        target = self._local_path(oid)
        if _is_complete(target, size) and _set_access_time(target, time.time_ns()):
            return
        os.makedirs(self._temporary, exist_ok=True)
        with file_ops.replace_on_success(target, f"{self._temporary}/{unique_name()}") as temporary:
            make(temporary)

    def _local_path(self, oid: str) -> str:
        return f"{self.root}/{object_path(oid)}"

    def _push(self, oids: Iterable[str]) -> None:
        if self._remote:
            self._remote.push([(oid, self._local_path(oid)) for oid in oids])

    def _pull(self, oid: str) -> None:
        path = self._local_path(oid)
        places = f"in the store at {self.root}"
        if self._remote:
            places = f"neither {places} nor at {self._remote}"
            with file_ops.translate_os_errors(f"Cannot fetch {oid} into the store at {self.root}"):
                os.makedirs(self._temporary, exist_ok=True)
                with file_ops.replace_on_success(path, f"{self._temporary}/{unique_name()}") as temporary:
                    if self._remote.pull(oid, temporary):
                        return self._verify_pulled(oid, temporary)
                    raise StoreError(_missing_message(oid, places))
        raise StoreError(_missing_message(oid, f"not {places}, and the store has no remote"))

    def _verify_pulled(self, oid: str, path: str) -> None:
        found = md5_of_file(path)
        if found != oid.removesuffix(DIR_SUFFIX):
            raise StoreError(
                f"Object {oid} at {self._remote} is damaged: its content hashes to {found}. "
                "Remove it there and run the step that made it again."
            )
        os.chmod(path, file_ops.READ_ONLY)

    def _pull_all(self, oids: Iterable[str]) -> None:
        missing = [oid for oid in set(oids) if not os.path.isfile(self._local_path(oid))]
        if not missing:
            return
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(min(_JOBS, len(missing))) as pool:
            list(pool.map(self._pull, missing))


def _is_complete(path: str, size: int) -> bool:
    """Whether an object has the expected size and is read-only, which it becomes when it is complete."""
    try:
        state = os.stat(path)
    except FileNotFoundError:
        return False
    return state.st_size == size and stat.S_ISREG(state.st_mode) and not state.st_mode & _WRITABLE


def _set_access_time(path: str, now: int) -> bool:
    """Set the access time; return whether the file exists. The modification time is left, because DVC uses it."""
    try:
        os.utime(path, ns=(now, os.stat(path).st_mtime_ns))
    except FileNotFoundError:
        return False
    except OSError:
        # A file of another user, or a read-only file system.
        return os.path.isfile(path)
    return True


def _write(path: str, data: bytes) -> None:
    Path(path).write_bytes(data)
    os.chmod(path, file_ops.READ_ONLY)


def _missing_message(oid: str, where: str) -> str:
    return (
        f"Object {oid} is {where}. Give this worker the store or the remote of the worker that kept it, "
        "or run the step that made it again."
    )
