"""Download from buckets and other file systems of fsspec, such as s3://, gs:// or sftp://."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from airflow_mlcraft.common.urls import mask_url
from airflow_mlcraft.errors import StepError
from airflow_mlcraft.steps.services import Connection
from airflow_mlcraft.steps.sources.download_cache import DownloadCache, Metadata
from airflow_mlcraft.steps.sources.retry import TransientError, retry_transfer, translate_disk_errors
from airflow_mlcraft.steps.sources.secrets import find_secrets
from airflow_mlcraft.steps.sources.source import Progress, Retrieval, format_bytes

_CHUNK_SIZE = 1 << 22
_METADATA = (
    "size",
    "ETag",
    "etag",
    "LastModified",
    "last_modified",
    "mtime",
    "modified",
    "created",
    "VersionId",
    "md5Hash",
)
_TRANSIENT_ERRORS = {
    "ConnectionError", "ConnectTimeoutError", "EndpointConnectionError", "HTTPClientError", "ClientOSError",
    "ReadTimeoutError", "ServerDisconnectedError", "TimeoutError", "ClientConnectorError", "IncompleteReadError",
    "SlowDown", "EOFError", "RetriesExceededError",
}  # fmt: skip
_S3_OPTION_NAMES = {
    "aws_access_key_id": "key",
    "aws_secret_access_key": "secret",
    "aws_session_token": "token",
    "session_token": "token",
}


class RemoteFiles:
    """The files that a source names in a file system of fsspec."""

    def __init__(self, retrieval: Retrieval):
        self._retrieval = retrieval
        for value in find_secrets(retrieval.source):
            retrieval.secrets.add(value)
        self.place = mask_url(retrieval.source)
        options = _options(retrieval)
        self._files, self._path = self._translate_errors(lambda: _open_filesystem(retrieval.source, options), "opened")

    def paths(self) -> list[str]:
        """The path of the source, or all paths that match its pattern, sorted."""
        if not any(mark in self._path for mark in "*?["):
            return [self._path]
        found = sorted(self._retry(lambda: self._files.glob(self._path)))
        if not found:
            raise StepError(f"{self.place}: no file is of this pattern")
        return found

    def download(self, path: str, cache: DownloadCache) -> bool:
        """Download one file into `cache`. Returns whether it is the same as before."""
        same = False

        def attempt() -> None:
            nonlocal same
            same = self._translate_errors(lambda: self._download(path, cache), "fetched")

        retry_transfer(attempt, address=self.place, bytes_received=cache.part_size, log=self._retrieval.log)
        return same

    def _download(self, path: str, cache: DownloadCache) -> bool:
        metadata = self._read_metadata(path)
        cached = cache.metadata()
        if cached and len(metadata) > 1 and metadata.items() <= cached.items():
            self._retrieval.log("not fetched again: size, tag and time are as before")
            return True
        if cache.part_metadata() != metadata:
            with translate_disk_errors():
                cache.start_part(metadata)
        self._receive(path, cache, int(metadata.get("size") or 0))
        if self._read_metadata(path) != metadata:
            cache.drop_part()
            raise TransientError("it was changed while it was read")
        with translate_disk_errors():
            return cache.finish(metadata)

    def _receive(self, path: str, cache: DownloadCache, total: int) -> None:
        part_size = cache.part_size()
        if part_size:
            self._retrieval.log(f"going on at {format_bytes(part_size)}, where it broke off")
        progress = Progress(self._retrieval.log, done=part_size, total=total)
        with self._files.open(path, "rb", block_size=_CHUNK_SIZE, cache_type="readahead") as source:
            if part_size:
                source.seek(part_size)
            with translate_disk_errors():
                target = cache.part.open("ab")
            with target:
                while chunk := source.read(_CHUNK_SIZE):
                    with translate_disk_errors():
                        target.write(chunk)
                        target.flush()
                    progress.advance(len(chunk))
        if cache.part_size() < total:
            raise TransientError("the connection broke off")
        progress.finish()

    def _read_metadata(self, path: str) -> Metadata:
        self._files.invalidate_cache()
        info = self._files.info(path)
        if info.get("type") == "directory":
            raise StepError(
                f"{self.place} is a folder; name a file, or a pattern such as {self.place.rstrip('/')}/*.csv"
            )
        return {name: str(info[name]) for name in _METADATA if info.get(name) is not None}

    def _retry(self, work: Any) -> Any:
        results: list[Any] = []

        def attempt() -> None:
            results[:] = [self._translate_errors(work, "listed")]

        retry_transfer(attempt, address=self.place, bytes_received=lambda: 0, log=self._retrieval.log)
        return results[0]

    def _translate_errors(self, work: Any, action: str) -> Any:
        """Call `work`, and raise errors of fsspec's clients as `StepError`, or `TransientError` if they may pass."""
        try:
            return work()
        except (StepError, TransientError):
            raise
        except FileNotFoundError:
            raise StepError(f"{self.place}: there is nothing at this address; check bucket, path and region") from None
        except PermissionError as error:
            raise StepError(
                f"{self.place}: this is forbidden; check the key in the connection: {_first_line(error)}"
            ) from None
        except Exception as error:
            if _TRANSIENT_ERRORS & {kind.__name__ for kind in _error_types(error)}:
                raise TransientError(f"no connection: {_first_line(error)}") from None
            if "Credentials" in type(error).__name__:
                raise StepError(
                    f"{self.place}: there is no key for it: {_first_line(error)}; "
                    "--connection names one with login and password"
                ) from None
            raise StepError(
                f"{self.place} could not be {action}: {type(error).__name__}: {_first_line(error)}"
            ) from None


def _open_filesystem(source: str, options: Mapping[str, Any]) -> tuple[Any, str]:
    import fsspec

    scheme = source.partition("://")[0].rpartition("::")[2]
    try:
        fsspec.get_filesystem_class(scheme)
    except ValueError:
        raise StepError(
            f"{mask_url(source)}: nothing can read {scheme}://; expected a path, http(s)://, s3://, gs://, "
            "sftp:// or another scheme of fsspec, sklearn:NAME or sql"
        ) from None
    except ImportError as error:
        package = "airflow-provider-mlcraft[s3]" if scheme in ("s3", "s3a") else "the package that it names"
        raise StepError(f"{scheme}:// needs a package: {error}; install {package} with pip") from None
    options = {"skip_instance_cache": True, "use_listings_cache": False, **options} if scheme != "memory" else options
    files, path = fsspec.core.url_to_fs(source, **options)
    return files, str(path)


def _options(retrieval: Retrieval) -> dict[str, Any]:
    """The options of the file system, from the connection."""
    connection = retrieval.open_connection()
    if connection is None:
        return {}
    options: dict[str, Any] = {name: _parse_value(value) for name, value in connection.extra.items()}
    if urlsplit(retrieval.source).scheme in ("s3", "s3a"):
        return _s3_options(options, connection)
    names = {"username": connection.login, "password": connection.password}
    return {**{name: value for name, value in names.items() if value}, **options}


def _s3_options(options: dict[str, Any], connection: Connection) -> dict[str, Any]:
    options = {_S3_OPTION_NAMES.get(name, name): value for name, value in options.items()}
    region = options.pop("region_name", None)
    if region:
        options["client_kwargs"] = {"region_name": region, **options.get("client_kwargs", {})}
    names = {"key": connection.login, "secret": connection.password}
    return {**{name: value for name, value in names.items() if value}, **options}


def _parse_value(value: Any) -> Any:
    """A text with a value of JSON as that value; any other value unchanged."""
    if not isinstance(value, str) or value[:1] not in tuple("tfn{["):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _error_types(error: BaseException) -> list[type]:
    """The types of an error and of its causes."""
    types: list[type] = []
    cause: BaseException | None = error
    while cause is not None and len(types) < 100:  # noqa: PLR2004
        types += type(cause).__mro__
        cause = cause.__cause__ or cause.__context__
    return types


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
