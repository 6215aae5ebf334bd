"""The same objects in object storage, or in any other place that fsspec can reach."""

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
_RENAMES = {"file", "local", "sftp", "ssh", "hdfs", "webhdfs", "smb"}
"""Where a file grows under its name, and is renamed in one step. Object storage shows whole objects only."""


class Remote:
    """A remote with DVC's layout. It connects when it is first used."""

    def __init__(self, url: str, options: Mapping[str, Any]):
        self._url = url.rstrip("/")
        self._options = options
        self._seen: set[str] = set()

    def __str__(self) -> str:
        return without_userinfo(self._url)

    def has(self, oid: str) -> bool:
        """Whether the object is there."""
        with self._explained(f"look for {oid}"):
            return self._size(oid) is not None

    def push(self, objects: Sequence[tuple[str, str]]) -> None:
        """Put each object (name, local path) there unless it is there in full already."""
        from concurrent.futures import ThreadPoolExecutor

        missing = [(oid, path) for oid, path in dict(objects).items() if oid not in self._seen]
        if len(missing) == 1:
            self._push(missing[0])
        elif missing:
            with ThreadPoolExecutor(min(_JOBS, len(missing))) as pool:
                list(pool.map(self._push, missing))

    def pull(self, oid: str, target: str) -> bool:
        """Write the object to a local path, or say that it is not there."""
        with self._explained(f"fetch {oid}"):
            try:
                self._files.get_file(self._path(oid), target)
            except FileNotFoundError:
                return False
        return True

    def _push(self, item: tuple[str, str]) -> None:
        oid, path = item
        with self._explained(f"put {oid}"):
            if self._size(oid) != Path(path).stat().st_size:
                self._upload(path, self._path(oid))
        self._seen.add(oid)

    def _upload(self, path: str, target: str) -> None:
        files = self._files
        protocols = {files.protocol} if isinstance(files.protocol, str) else set(files.protocol)
        if not protocols & _RENAMES:
            files.put_file(path, target)
            return
        folder = target.rpartition("/")[0]
        temporary = f"{folder}/{unique_name()}.tmp"
        files.makedirs(folder, exist_ok=True)
        try:
            files.put_file(path, temporary)
            files.mv(temporary, target)
        finally:
            with suppress(FileNotFoundError):
                files.rm_file(temporary)

    def _size(self, oid: str) -> int | None:
        try:
            return int(self._files.info(self._path(oid))["size"])
        except FileNotFoundError:
            return None

    def _path(self, oid: str) -> str:
        return f"{self._base}/{object_path(oid)}"

    @cached_property
    def _place(self) -> tuple[Any, str]:
        from fsspec.core import url_to_fs  # type: ignore[import-untyped]

        # Neither a shared instance nor a listing kept in memory: other workers write here all the time.
        options = {"skip_instance_cache": True, "use_listings_cache": False, **self._options}
        files, base = url_to_fs(self._url, **options)
        return files, str(base).rstrip("/")

    @property
    def _files(self) -> Any:
        return self._place[0]

    @property
    def _base(self) -> str:
        return self._place[1]

    @contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        try:
            yield
        except ImportError as error:
            raise StoreError(f"Cannot {doing} at {self}: {error}.") from error
        except Exception as error:  # the clients behind fsspec each raise their own kinds
            raise StoreError(f"Cannot {doing} at {self}: {type(error).__name__}: {error}") from error
