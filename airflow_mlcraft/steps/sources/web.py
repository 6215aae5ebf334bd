"""Data from the web: in pieces to disk, resumed where it broke off, left alone where it has not changed."""

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
from airflow_mlcraft.steps.sources.download_cache import Facts, Kept
from airflow_mlcraft.steps.sources.http_auth import key_headers
from airflow_mlcraft.steps.sources.retry import TroubleError, disk_told, patiently
from airflow_mlcraft.steps.sources.secrets import secrets_of
from airflow_mlcraft.steps.sources.source import Call, Progress, size

if TYPE_CHECKING:
    import httpx

_OK, _PARTIAL, _SAME, _BAD_RANGE = 200, 206, 304, 416
_REDIRECTS = (301, 302, 303, 307, 308)
_LATER = (408, 425, 429, 500, 502, 503, 504)
_HOPS = 10
_PIECE = 1 << 18
_CONNECT, _SILENCE = 15.0, 60.0
_PORTS = {"http": 80, "https": 443}
_WHY = {
    401: "it wants a key, or does not take this one; check --key-env, --key-header or the connection",
    403: "this is forbidden; check what the key may do, and whether one is needed",
    404: "there is nothing at this address; check it in a browser",
    410: "what was at this address is gone",
    407: "the proxy wants a password",
}


def fetch(call: Call, kept: Kept) -> bool:
    """Bring the data into `kept`. Says whether it is what was there before."""
    import httpx

    for value in secrets_of(call.source):
        call.secrets.add(value)
    headers = key_headers(call)
    timeout = httpx.Timeout(_SILENCE, connect=_CONNECT)
    with _quiet(), httpx.Client(timeout=timeout, headers={"Accept-Encoding": "identity"}) as client:
        transfer = _Transfer(call, kept, client, headers)
        patiently(transfer.once, place=transfer.place, reached=kept.reached, say=call.say)
    return transfer.same


class _Transfer:
    """One address, tried once or more."""

    def __init__(self, call: Call, kept: Kept, client: httpx.Client, headers: dict[str, str]):
        self._call, self._kept, self._client, self._headers = call, kept, client, headers
        self._address = without_userinfo(urldefrag(call.source).url)
        self.place = mask_url(self._address)
        self.same = False

    def once(self) -> None:
        """Ask, and take what comes."""
        import httpx

        try:
            self._ask()
        except (httpx.InvalidURL, UnicodeError, ValueError) as error:
            raise StepError(f"{self.place} is no address: {error}") from None
        except httpx.TimeoutException:
            raise TroubleError("no answer in time") from None
        except httpx.TransportError as error:
            raise TroubleError(_reason(error)) from None

    def _ask(self) -> None:
        part = self._kept.part_facts()
        reached = self._kept.reached() if part and _validator(part) else 0
        known = None if reached else self._kept.facts()
        conditions: dict[str, str] = {}
        if part and reached:
            conditions = {"Range": f"bytes={reached}-", "If-Range": _validator(part)}
        elif known:
            conditions = _unless_changed(known)
        with self._answer(conditions) as response:
            if response.status_code == _SAME and known:
                self._leave("the server says that it has not changed")
            elif part and _is_rest(response, part, reached):
                self._call.say(f"going on at {size(reached)}, where it broke off")
                self._take(response, part, reached)
            elif part and _is_whole(response, part, reached):
                self._finish(part)
            elif response.status_code == _OK:
                self._all(response, known)
            else:
                self._kept.drop_part()
                raise TroubleError(
                    f"the part that is here does not fit any more (status {response.status_code})", after=0
                )

    def _all(self, response: httpx.Response, known: Facts | None) -> None:
        """All of it, unless the tag says that it is what we have."""
        facts = _facts(response)
        if known and facts.get("etag") and facts["etag"] == known.get("etag"):
            self._leave("it has the same ETag as before")
            return
        with disk_told():
            self._kept.begin(facts)
        self._take(response, facts, 0)

    def _take(self, response: httpx.Response, facts: Facts, reached: int) -> None:
        length = response.headers.get("Content-Length", "")
        progress = Progress(self._call.say, done=reached, total=reached + int(length) if length.isdecimal() else None)
        pieces = response.iter_raw()
        with disk_told():
            handle = self._kept.part.open("ab")
        with handle:
            for piece in pieces:
                with disk_told():
                    handle.write(piece)
                    handle.flush()
                progress.advance(len(piece))
        progress.end()
        self._finish(facts)

    def _finish(self, facts: Facts) -> None:
        with disk_told():
            _unpack(self._kept.part, str(facts.get("encoding", "")), self.place)
            self.same = self._kept.finish(facts)
        if self.same:
            self._call.say("the content is the same as before")

    def _leave(self, why: str) -> None:
        self._kept.drop_part()
        self._call.say(f"not fetched again: {why}")
        self.same = True

    @contextmanager
    def _answer(self, conditions: dict[str, str]) -> Iterator[httpx.Response]:
        """The answer at the end of the redirects. The key goes to no other place than the one that was named."""
        address = self._address
        rules = self._call.services.permissions.addresses
        for _ in range(_HOPS):
            extensions = {}
            if rules is not None:
                extensions["trace"] = rules.trace(address)
            headers = {**conditions, **(self._headers if _same_place(self._address, address) else {})}
            with self._client.stream(
                "GET", address, headers=headers, follow_redirects=False, extensions=extensions
            ) as response:
                if response.status_code not in _REDIRECTS:
                    self._check(response, address)
                    yield response
                    return
                target = urljoin(address, response.headers.get("Location", ""))
            for value in secrets_of(target):
                self._call.secrets.add(value)
            if urlsplit(target).scheme not in _PORTS or target == address:
                raise StepError(f"{self.place} redirects to {mask_url(target)}, where nothing can be fetched")
            address = target
            if rules is not None:
                # A source of the document's own may lead to any public host.
                rules.check(address, listed=not rules.is_named(self._address))
            self._call.say(f"redirected to {mask_url(address)}")
        raise StepError(f"{self.place} redirects more than {_HOPS} times; the last was to {mask_url(address)}")

    def _check(self, response: httpx.Response, address: str) -> None:
        status = response.status_code
        if status in (_OK, _PARTIAL, _SAME, _BAD_RANGE):
            return
        words = f"the server answers {status} {response.reason_phrase}".rstrip()
        if status in _LATER:
            raise TroubleError(words, after=_retry_after(response.headers.get("Retry-After", "")))
        elsewhere = "" if address == self._address else f" (redirected to {mask_url(address)})"
        hint = _WHY.get(status, "check the address")
        raise StepError(f"{self.place}{elsewhere}: {words}: {hint}")


def _reason(error: httpx.TransportError) -> str:
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


def _facts(response: httpx.Response) -> Facts:
    names = {"etag": "ETag", "modified": "Last-Modified", "encoding": "Content-Encoding", "length": "Content-Length"}
    return {name: response.headers[header] for name, header in names.items() if header in response.headers}


def _validator(facts: Facts) -> str:
    """What makes sure that a part and its rest are of one whole: a strong tag, or a date."""
    etag = str(facts.get("etag", ""))
    return etag if etag and not etag.startswith("W/") else str(facts.get("modified", ""))


def _unless_changed(facts: Facts) -> dict[str, str]:
    conditions = {"If-None-Match": facts.get("etag"), "If-Modified-Since": facts.get("modified")}
    return {name: str(value) for name, value in conditions.items() if value}


def _is_rest(response: httpx.Response, part: Facts, reached: int) -> bool:
    """Whether this goes on where the part ends, and is of the same whole."""
    given = str(response.headers.get("Content-Range", "")).lower().split()
    return (
        response.status_code == _PARTIAL
        and given[-1:] != []
        and given[-1].startswith(f"{reached}-")
        and (response.headers.get("ETag", part.get("etag")) == part.get("etag"))
    )


def _is_whole(response: httpx.Response, part: Facts, reached: int) -> bool:
    """Whether nothing is left to ask for."""
    ends = str(response.headers.get("Content-Range", "")).endswith(f"*/{reached}")
    return response.status_code == _BAD_RANGE and ends and str(part.get("length", reached)) == str(reached)


def _retry_after(value: str) -> float | None:
    """Seconds, or a date."""
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time()) if value else None
    except ValueError:
        return None


def _same_place(one: str, other: str) -> bool:
    """The same server; or the same host, where only the encryption is new."""
    a, b = urlsplit(one), urlsplit(other)
    if a.hostname != b.hostname:
        return False
    ports = (a.port or _PORTS.get(a.scheme), b.port or _PORTS.get(b.scheme))
    return (a.scheme == b.scheme and ports[0] == ports[1]) or (a.scheme, b.scheme, *ports) == ("http", "https", 80, 443)


def _unpack(part: Path, encoding: str, place: str) -> None:
    """What the server packed for the way, although it was not asked to."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise StepError(f"{place} comes packed as {encoding}, which was not asked for and cannot be unpacked")
    beside = part.with_suffix(".unpacked")
    try:
        with part.open("rb") as packed, beside.open("wb") as target:
            _inflate(packed, target)
    except (zlib.error, EOFError) as error:
        part.unlink()
        raise TroubleError(f"what came is packed, and broken: {error}") from None
    beside.replace(part)


def _inflate(packed: BinaryIO, target: BinaryIO) -> None:
    """gzip, of one member or several, or zlib."""
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
    while piece := unpacker.unused_data or packed.read(_PIECE):
        if unpacker.eof:
            unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
        target.write(unpacker.decompress(piece))
    if not unpacker.eof:
        raise EOFError("its end is missing")


@contextmanager
def _quiet() -> Iterator[None]:
    """httpx says whole addresses in the log, with the keys that may be in them."""
    logger = logging.getLogger("httpx")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)
