"""Data in buckets and other places that fsspec can read, as s3://, gs:// or sftp://."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from airflow_mlcraft.common.urls import mask_url
from airflow_mlcraft.errors import StepError
from airflow_mlcraft.steps.services import Connection
from airflow_mlcraft.steps.sources.download_cache import Facts, Kept
from airflow_mlcraft.steps.sources.retry import TroubleError, disk_told, patiently
from airflow_mlcraft.steps.sources.secrets import secrets_of
from airflow_mlcraft.steps.sources.source import Call, Progress, size

_PIECE = 1 << 22
_FACTS = (
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
_PASSING = {
    "ConnectionError", "ConnectTimeoutError", "EndpointConnectionError", "HTTPClientError", "ClientOSError",
    "ReadTimeoutError", "ServerDisconnectedError", "TimeoutError", "ClientConnectorError", "IncompleteReadError",
    "SlowDown", "EOFError", "RetriesExceededError",
}  # fmt: skip
_S3_NAMES = {
    "aws_access_key_id": "key",
    "aws_secret_access_key": "secret",
    "aws_session_token": "token",
    "session_token": "token",
}


class Remote:
    """A file system and what the source names in it."""

    def __init__(self, call: Call):
        self._call = call
        for value in secrets_of(call.source):
            call.secrets.add(value)
        self.place = mask_url(call.source)
        options = _options(call)
        self._files, self._path = self._told(lambda: _opened(call.source, options), "opened")

    def paths(self) -> list[str]:
        """The one path of the source, or all that a pattern finds."""
        if not any(mark in self._path for mark in "*?["):
            return [self._path]
        found = sorted(self._patiently(lambda: self._files.glob(self._path)))
        if not found:
            raise StepError(f"{self.place}: no file is of this pattern")
        return found

    def fetch(self, path: str, kept: Kept) -> bool:
        """Bring one file into `kept`. Says whether it is what was there before."""
        same = False

        def once() -> None:
            nonlocal same
            same = self._told(lambda: self._fetch(path, kept), "fetched")

        patiently(once, place=self.place, reached=kept.reached, say=self._call.say)
        return same

    def _fetch(self, path: str, kept: Kept) -> bool:
        facts = self._facts(path)
        known = kept.facts()
        if known and len(facts) > 1 and facts.items() <= known.items():
            self._call.say("not fetched again: size, tag and time are as before")
            return True
        if kept.part_facts() != facts:
            with disk_told():
                kept.begin(facts)
        self._take(path, kept, int(facts.get("size") or 0))
        if self._facts(path) != facts:
            kept.drop_part()
            raise TroubleError("it was changed while it was read")
        with disk_told():
            return kept.finish(facts)

    def _take(self, path: str, kept: Kept, total: int) -> None:
        reached = kept.reached()
        if reached:
            self._call.say(f"going on at {size(reached)}, where it broke off")
        progress = Progress(self._call.say, done=reached, total=total)
        with self._files.open(path, "rb", block_size=_PIECE, cache_type="readahead") as source:
            if reached:
                source.seek(reached)
            with disk_told():
                target = kept.part.open("ab")
            with target:
                while piece := source.read(_PIECE):
                    with disk_told():
                        target.write(piece)
                        target.flush()
                    progress.advance(len(piece))
        if kept.reached() < total:
            raise TroubleError("the connection broke off")
        progress.end()

    def _facts(self, path: str) -> Facts:
        self._files.invalidate_cache()
        info = self._files.info(path)
        if info.get("type") == "directory":
            raise StepError(
                f"{self.place} is a folder; name a file, or a pattern such as {self.place.rstrip('/')}/*.csv"
            )
        return {name: str(info[name]) for name in _FACTS if info.get(name) is not None}

    def _patiently(self, ask: Any) -> Any:
        found: list[Any] = []

        def once() -> None:
            found[:] = [self._told(ask, "listed")]

        patiently(once, place=self.place, reached=lambda: 0, say=self._call.say)
        return found[0]

    def _told(self, work: Any, done: str) -> Any:
        """What the clients behind fsspec raise, each its own kinds, as a sentence or as trouble that may pass."""
        try:
            return work()
        except (StepError, TroubleError):
            raise
        except FileNotFoundError:
            raise StepError(f"{self.place}: there is nothing at this address; check bucket, path and region") from None
        except PermissionError as error:
            raise StepError(
                f"{self.place}: this is forbidden; check the key in the connection: {_words(error)}"
            ) from None
        except Exception as error:
            if _PASSING & {kind.__name__ for kind in _kinds(error)}:
                raise TroubleError(f"no connection: {_words(error)}") from None
            if "Credentials" in type(error).__name__:
                raise StepError(
                    f"{self.place}: there is no key for it: {_words(error)}; "
                    "--connection names one with login and password"
                ) from None
            raise StepError(f"{self.place} could not be {done}: {type(error).__name__}: {_words(error)}") from None


def _opened(source: str, options: Mapping[str, Any]) -> tuple[Any, str]:
    import fsspec  # type: ignore[import-untyped]

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


def _options(call: Call) -> dict[str, Any]:
    """What the connection says, by the names of the file system."""
    connection = call.opened()
    if connection is None:
        return {}
    options: dict[str, Any] = {name: _value(value) for name, value in connection.extra.items()}
    if urlsplit(call.source).scheme in ("s3", "s3a"):
        return _s3_options(options, connection)
    names = {"username": connection.login, "password": connection.password}
    return {**{name: value for name, value in names.items() if value}, **options}


def _s3_options(options: dict[str, Any], connection: Connection) -> dict[str, Any]:
    options = {_S3_NAMES.get(name, name): value for name, value in options.items()}
    region = options.pop("region_name", None)
    if region:
        options["client_kwargs"] = {"region_name": region, **options.get("client_kwargs", {})}
    names = {"key": connection.login, "secret": connection.password}
    return {**{name: value for name, value in names.items() if value}, **options}


def _value(value: Any) -> Any:
    """`true`, numbers and JSON are what they say."""
    if not isinstance(value, str) or value[:1] not in tuple("tfn{["):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _kinds(error: BaseException) -> list[type]:
    """The kinds of an error and of what has led to it."""
    kinds: list[type] = []
    seen: BaseException | None = error
    while seen is not None and len(kinds) < 100:  # noqa: PLR2004
        kinds += type(seen).__mro__
        seen = seen.__cause__ or seen.__context__
    return kinds


def _words(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
