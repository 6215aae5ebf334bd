"""Downloads of remote input files by their URI, over HTTP or with fsspec."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

from airflow_mlcraft.common.safe_names import safe_name
from airflow_mlcraft.common.urls import without_userinfo_and_query
from airflow_mlcraft.errors import StoreError

if TYPE_CHECKING:
    from airflow_mlcraft.common.network_access import AddressRules
    from airflow_mlcraft.cwl.plan import Json

_LOCAL_SCHEMES = ("", "file", "store")
_HTTP_SCHEMES = ("http", "https")
_MAX_REDIRECTS = 10
_CHUNK_SIZE = 1 << 20
_CONNECT_TIMEOUT, _READ_TIMEOUT = 15.0, 60.0


def download_value(
    value: Json, folder: Path, log: Callable[[int, str], None], rules: AddressRules | None = None
) -> Json:
    """Download the remote Files and Directories of a value below `folder`, from hosts that `rules` allow."""
    if isinstance(value, list):
        return [download_value(item, folder, log, rules) for item in value]
    if not isinstance(value, dict):
        return value
    value = {key: download_value(item, folder, log, rules) for key, item in value.items()}
    location = value.get("location")
    if value.get("class") not in ("File", "Directory") or not isinstance(location, str):
        return value
    if urlsplit(location).scheme in _LOCAL_SCHEMES or location.startswith("_:"):
        return value
    basename = value.get("basename") or unquote(urlsplit(location).path.rstrip("/").rpartition("/")[2]) or "file"
    target = _create_subfolder(folder) / safe_name(basename)
    log(logging.INFO, f"fetching {without_userinfo_and_query(location)}")
    if urlsplit(location).scheme in _HTTP_SCHEMES:
        _fetch_from_web(location, target, rules)
    else:
        _fetch(location, target)
    return {**value, "location": target.as_uri(), "basename": basename}


def _fetch_from_web(location: str, target: Path, rules: AddressRules | None) -> None:
    import httpx

    address, masked = location, without_userinfo_and_query(location)
    try:
        with httpx.Client(timeout=httpx.Timeout(_READ_TIMEOUT, connect=_CONNECT_TIMEOUT)) as client:
            for _ in range(_MAX_REDIRECTS):
                extensions = {"trace": rules.trace(address)} if rules is not None else {}
                with client.stream("GET", address, extensions=extensions) as response:
                    if response.has_redirect_location:
                        address = urljoin(address, response.headers["location"])
                        if urlsplit(address).scheme not in _HTTP_SCHEMES:
                            raise StoreError(f"{masked} redirects to {without_userinfo_and_query(address)}")
                        if rules is not None:
                            rules.check(address, listed=not rules.is_named(location))
                        continue
                    response.raise_for_status()
                    with target.open("wb") as file:
                        for chunk in response.iter_bytes(_CHUNK_SIZE):
                            file.write(chunk)
                    return
    except httpx.HTTPStatusError as error:
        status = f"{error.response.status_code} {error.response.reason_phrase}".strip()
        raise StoreError(f"{masked} could not be fetched: the server answers {status}") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise StoreError(f"{masked} could not be fetched: {type(error).__name__}: {error}") from error
    raise StoreError(f"{masked} redirects more than {_MAX_REDIRECTS} times")


def _fetch(location: str, target: Path) -> None:
    import fsspec

    masked = without_userinfo_and_query(location)
    try:
        filesystem, path = fsspec.core.url_to_fs(location)
        filesystem.get(path, str(target), recursive=filesystem.isdir(path))
    except ImportError as error:
        raise StoreError(f"{masked} cannot be read: {error}") from error
    except (OSError, ValueError) as error:
        raise StoreError(f"{masked} could not be fetched: {type(error).__name__}: {error}") from error


def _create_subfolder(folder: Path) -> Path:
    subfolder = folder / f"fetched{sum(1 for _ in folder.iterdir())}"
    subfolder.mkdir()
    return subfolder
