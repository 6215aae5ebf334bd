"""Download over HTTP: streamed to disk, resumed where it broke off, skipped where the server's copy is unchanged."""

from __future__ import annotations

import logging
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urldefrag, urljoin, urlsplit

from airflow_mlcraft.common.urls import mask_url, without_userinfo
from airflow_mlcraft.errors import StepError
from airflow_mlcraft.steps.sources.download_cache import DownloadCache, Metadata
from airflow_mlcraft.steps.sources.http_auth import auth_headers
from airflow_mlcraft.steps.sources.retry import TransientError, retry_transfer, translate_disk_errors
from airflow_mlcraft.steps.sources.secrets import find_secrets
from airflow_mlcraft.steps.sources.source import Progress, Retrieval, format_bytes

if TYPE_CHECKING:
    import httpx

_OK, _PARTIAL, _NOT_MODIFIED, _RANGE_NOT_SATISFIABLE = 200, 206, 304, 416
_REDIRECTS = (301, 302, 303, 307, 308)
_RETRYABLE = (408, 425, 429, 500, 502, 503, 504)
_MAX_REDIRECTS = 10
_CHUNK_SIZE = 1 << 18
_CONNECT_TIMEOUT, _READ_TIMEOUT = 15.0, 60.0
_PORTS = {"http": 80, "https": 443}
_HINTS = {
    401: "it wants a key, or does not take this one; check --key-env, --key-header or the connection",
    403: "this is forbidden; check what the key may do, and whether one is needed",
    404: "there is nothing at this address; check it in a browser",
    410: "what was at this address is gone",
    407: "the proxy wants a password",
}


def download(retrieval: Retrieval, cache: DownloadCache) -> bool:
    """Download the data into `cache`. Returns whether they are the same as before."""
    import httpx

    for value in find_secrets(retrieval.source):
        retrieval.secrets.add(value)
    headers = auth_headers(retrieval)
    timeout = httpx.Timeout(_READ_TIMEOUT, connect=_CONNECT_TIMEOUT)
    with _silence_httpx(), httpx.Client(timeout=timeout, headers={"Accept-Encoding": "identity"}) as client:
        transfer = _Transfer(retrieval, cache, client, headers)
        retry_transfer(transfer.attempt, address=transfer.place, bytes_received=cache.part_size, log=retrieval.log)
    return transfer.same


class _Transfer:
    """The transfer from one address, in one or more attempts."""

    def __init__(self, retrieval: Retrieval, cache: DownloadCache, client: httpx.Client, headers: dict[str, str]):
        self._retrieval, self._cache, self._client, self._headers = retrieval, cache, client, headers
        self._address = without_userinfo(urldefrag(retrieval.source).url)
        self.place = mask_url(self._address)
        self.same = False

    def attempt(self) -> None:
        """Make one attempt; raises `TransientError` for failures that may pass."""
        import httpx

        try:
            self._request()
        except (httpx.InvalidURL, UnicodeError, ValueError) as error:
            raise StepError(f"{self.place} is no address: {error}") from None
        except httpx.TimeoutException:
            raise TransientError("no answer in time") from None
        except httpx.TransportError as error:
            raise TransientError(_describe_error(error)) from None

    def _request(self) -> None:
        part = self._cache.part_metadata()
        part_size = self._cache.part_size() if part and _validator(part) else 0
        cached = None if part_size else self._cache.metadata()
        conditions: dict[str, str] = {}
        if part and part_size:
            conditions = {"Range": f"bytes={part_size}-", "If-Range": _validator(part)}
        elif cached:
            conditions = _unless_changed(cached)
        with self._open_response(conditions) as response:
            if response.status_code == _NOT_MODIFIED and cached:
                self._keep_cached("the server says that it has not changed")
            elif part and _continues_part(response, part, part_size):
                self._retrieval.log(f"going on at {format_bytes(part_size)}, where it broke off")
                self._receive(response, part, part_size)
            elif part and _is_complete(response, part, part_size):
                self._finish(part)
            elif response.status_code == _OK:
                self._receive_all(response, cached)
            else:
                self._cache.drop_part()
                raise TransientError(
                    f"the part that is here does not fit any more (status {response.status_code})", retry_after=0
                )

    def _receive_all(self, response: httpx.Response, cached: Metadata | None) -> None:
        """Receive the whole content, unless its ETag is that of the cached data."""
        metadata = _read_metadata(response)
        if cached and metadata.get("etag") and metadata["etag"] == cached.get("etag"):
            self._keep_cached("it has the same ETag as before")
            return
        with translate_disk_errors():
            self._cache.start_part(metadata)
        self._receive(response, metadata, 0)

    def _receive(self, response: httpx.Response, metadata: Metadata, part_size: int) -> None:
        content_length = response.headers.get("Content-Length", "")
        progress = Progress(
            self._retrieval.log,
            done=part_size,
            total=part_size + int(content_length) if content_length.isdecimal() else None,
        )
        chunks = response.iter_raw()
        with translate_disk_errors():
            handle = self._cache.part.open("ab")
        with handle:
            for chunk in chunks:
                with translate_disk_errors():
                    handle.write(chunk)
                    handle.flush()
                progress.advance(len(chunk))
        progress.finish()
        self._finish(metadata)

    def _finish(self, metadata: Metadata) -> None:
        with translate_disk_errors():
            _decompress(self._cache.part, str(metadata.get("encoding", "")), self.place)
            self.same = self._cache.finish(metadata)
        if self.same:
            self._retrieval.log("the content is the same as before")

    def _keep_cached(self, reason: str) -> None:
        self._cache.drop_part()
        self._retrieval.log(f"not fetched again: {reason}")
        self.same = True

    @contextmanager
    def _open_response(self, conditions: dict[str, str]) -> Iterator[httpx.Response]:
        """The response after all redirects. The key is only sent to the server of the source."""
        address = self._address
        rules = self._retrieval.services.permissions.addresses
        for _ in range(_MAX_REDIRECTS):
            extensions = {}
            if rules is not None:
                extensions["trace"] = rules.trace(address)
            headers = {**conditions, **(self._headers if _is_same_server(self._address, address) else {})}
            with self._client.stream(
                "GET", address, headers=headers, follow_redirects=False, extensions=extensions
            ) as response:
                if response.status_code not in _REDIRECTS:
                    self._check_status(response, address)
                    yield response
                    return
                target = urljoin(address, response.headers.get("Location", ""))
            for value in find_secrets(target):
                self._retrieval.secrets.add(value)
            if urlsplit(target).scheme not in _PORTS or target == address:
                raise StepError(f"{self.place} redirects to {mask_url(target)}, where nothing can be fetched")
            address = target
            if rules is not None:
                # A source that the document itself names may redirect to any public host.
                rules.check(address, listed=not rules.is_named(self._address))
            self._retrieval.log(f"redirected to {mask_url(address)}")
        raise StepError(f"{self.place} redirects more than {_MAX_REDIRECTS} times; the last was to {mask_url(address)}")

    def _check_status(self, response: httpx.Response, address: str) -> None:
        status = response.status_code
        if status in (_OK, _PARTIAL, _NOT_MODIFIED, _RANGE_NOT_SATISFIABLE):
            return
        response_text = f"the server answers {status} {response.reason_phrase}".rstrip()
        if status in _RETRYABLE:
            raise TransientError(response_text, retry_after=_retry_after(response.headers.get("Retry-After", "")))
        redirect_note = "" if address == self._address else f" (redirected to {mask_url(address)})"
        hint = _HINTS.get(status, "check the address")
        raise StepError(f"{self.place}{redirect_note}: {response_text}: {hint}")


def _describe_error(error: httpx.TransportError) -> str:
    import httpx

    if isinstance(error, httpx.UnsupportedProtocol):
        raise StepError("the address is not of http or https") from None
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        raise StepError(
            f"the server's certificate is not trusted: {error}; SSL_CERT_FILE may name one that is"
        ) from None
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
        return "the connection broke off"
    return f"no connection: {error}" if str(error) else f"no connection: {type(error).__name__}"


def _read_metadata(response: httpx.Response) -> Metadata:
    names = {"etag": "ETag", "modified": "Last-Modified", "encoding": "Content-Encoding", "length": "Content-Length"}
    return {name: response.headers[header] for name, header in names.items() if header in response.headers}


def _validator(metadata: Metadata) -> str:
    """The strong ETag or date by which the server recognises that a part and its rest belong together."""
    etag = str(metadata.get("etag", ""))
    return etag if etag and not etag.startswith("W/") else str(metadata.get("modified", ""))


def _unless_changed(metadata: Metadata) -> dict[str, str]:
    conditions = {"If-None-Match": metadata.get("etag"), "If-Modified-Since": metadata.get("modified")}
    return {name: str(value) for name, value in conditions.items() if value}


def _continues_part(response: httpx.Response, part: Metadata, part_size: int) -> bool:
    """Whether a response continues where the part ends, and has the same content."""
    content_range = str(response.headers.get("Content-Range", "")).lower().split()
    return (
        response.status_code == _PARTIAL
        and content_range[-1:] != []
        and content_range[-1].startswith(f"{part_size}-")
        and (response.headers.get("ETag", part.get("etag")) == part.get("etag"))
    )


def _is_complete(response: httpx.Response, part: Metadata, part_size: int) -> bool:
    """Whether a response shows that the part is already complete."""
    ends = str(response.headers.get("Content-Range", "")).endswith(f"*/{part_size}")
    return (
        response.status_code == _RANGE_NOT_SATISFIABLE and ends and str(part.get("length", part_size)) == str(part_size)
    )


def _retry_after(value: str) -> float | None:
    """Seconds to wait, from a header with seconds or a date; None without one."""
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time()) if value else None
    except ValueError:
        return None


def _is_same_server(one: str, other: str) -> bool:
    """Whether two addresses have the same server, or differ only in http and https on the standard ports."""
    a, b = urlsplit(one), urlsplit(other)
    if a.hostname != b.hostname:
        return False
    ports = (a.port or _PORTS.get(a.scheme), b.port or _PORTS.get(b.scheme))
    return (a.scheme == b.scheme and ports[0] == ports[1]) or (a.scheme, b.scheme, *ports) == ("http", "https", 80, 443)


def _decompress(part: Path, encoding: str, place: str) -> None:
    """Decompress a part which the server has compressed although the request did not accept that."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise StepError(f"{place} comes packed as {encoding}, which was not asked for and cannot be unpacked")
    beside = part.with_suffix(".unpacked")
    try:
        with part.open("rb") as compressed, beside.open("wb") as target:
            _inflate(compressed, target)
    except (zlib.error, EOFError) as error:
        part.unlink()
        raise TransientError(f"what came is packed, and broken: {error}") from None
    beside.replace(part)


def _inflate(compressed: BinaryIO, target: BinaryIO) -> None:
    """Decompress gzip, of one member or several, or zlib."""
    decompressor = zlib.decompressobj(zlib.MAX_WBITS | 32)
    while chunk := decompressor.unused_data or compressed.read(_CHUNK_SIZE):
        if decompressor.eof:
            decompressor = zlib.decompressobj(zlib.MAX_WBITS | 32)
        target.write(decompressor.decompress(chunk))
    if not decompressor.eof:
        raise EOFError("its end is missing")


@contextmanager
def _silence_httpx() -> Iterator[None]:
    """Keep httpx from logging full addresses, which may contain keys."""
    logger = logging.getLogger("httpx")
    previous_level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(previous_level)
