"""A remote with the objects of a store, in object storage or any other file system of fsspec."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.common.urls import without_userinfo
from airflow_mlcraft.errors import StoreError
from airflow_mlcraft.store.object_paths import object_path
from airflow_mlcraft.store.task_folders import unique_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_JOBS = 16
_RENAMING_PROTOCOLS = {"file", "local", "sftp", "ssh", "hdfs", "webhdfs", "smb"}
"""File systems that show partial files and can rename atomically. Object storage shows only whole objects."""


class Remote:
    """A remote with DVC's layout. It connects when it is first used."""

    def __init__(self, url: str, options: Mapping[str, Any]):
        self._url = url.rstrip("/")
        self._options = options
        self._pushed: set[str] = set()

    def __str__(self) -> str:
        return without_userinfo(self._url)

    def has(self, oid: str) -> bool:
        """Whether the object is in the remote."""
        with self._translate_errors(f"look for {oid}"):
            return self._size(oid) is not None

    def push(self, objects: Sequence[tuple[str, str]]) -> None:
        """Upload each object (name, local path) that is not completely there yet."""
        from concurrent.futures import ThreadPoolExecutor

        missing = [(oid, path) for oid, path in dict(objects).items() if oid not in self._pushed]
        if len(missing) == 1:
            self._push(missing[0])
        elif missing:
            with ThreadPoolExecutor(min(_JOBS, len(missing))) as pool:
                list(pool.map(self._push, missing))

    def pull(self, oid: str, target: str) -> bool:
        """Download the object to a local path; return False if it is not in the remote."""
        with self._translate_errors(f"fetch {oid}"):
            try:
                self._filesystem.get_file(self._path(oid), target)
            except FileNotFoundError:
                return False
        return True

    def _push(self, item: tuple[str, str]) -> None:
        oid, path = item
        with self._translate_errors(f"put {oid}"):
            if self._size(oid) != Path(path).stat().st_size:
                self._upload(path, self._path(oid))
        self._pushed.add(oid)

    def _upload(self, path: str, target: str) -> None:
        filesystem = self._filesystem
        protocols = {filesystem.protocol} if isinstance(filesystem.protocol, str) else set(filesystem.protocol)
        if not protocols & _RENAMING_PROTOCOLS:
            filesystem.put_file(path, target)
            return
        folder = target.rpartition("/")[0]
        temporary = f"{folder}/{unique_name()}.tmp"
        filesystem.makedirs(folder, exist_ok=True)
        try:
            filesystem.put_file(path, temporary)
            filesystem.mv(temporary, target)
        finally:
            with suppress(FileNotFoundError):
                filesystem.rm_file(temporary)

    def _size(self, oid: str) -> int | None:
        try:
            return int(self._filesystem.info(self._path(oid))["size"])
        except FileNotFoundError:
            return None

    def _path(self, oid: str) -> str:
        return f"{self._base}/{object_path(oid)}"

    @cached_property
    def _filesystem_and_path(self) -> tuple[Any, str]:
        from fsspec.core import url_to_fs

        # Neither a shared instance nor a cached listing: other workers write here at the same time.
        options = {"skip_instance_cache": True, "use_listings_cache": False, **self._options}
        filesystem, base = url_to_fs(self._url, **options)
        return filesystem, str(base).rstrip("/")

    @property
    def _filesystem(self) -> Any:
        return self._filesystem_and_path[0]

    @property
    def _base(self) -> str:
        return self._filesystem_and_path[1]

    @contextmanager
    def _translate_errors(self, doing: str) -> Iterator[None]:
        try:
            yield
        except ImportError as error:
            raise StoreError(f"Cannot {doing} at {self}: {error}.") from error
        except Exception as error:  # the clients behind fsspec each raise their own kinds
            raise StoreError(f"Cannot {doing} at {self}: {type(error).__name__}: {error}") from error
