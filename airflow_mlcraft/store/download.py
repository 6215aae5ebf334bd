"""Inputs that are somewhere else: fetched by their URI, whatever fsspec can read."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from airflow_mlcraft.errors import StoreError

if TYPE_CHECKING:
    from airflow_mlcraft.cwl.plan import Json

_HERE = ("", "file", "store")


def downloaded(value: Json, folder: Path, log: Callable[[int, str], None]) -> Json:
    """A value whose remote Files and Directories are copies below `folder`."""
    if isinstance(value, list):
        return [downloaded(item, folder, log) for item in value]
    if not isinstance(value, dict):
        return value
    value = {key: downloaded(item, folder, log) for key, item in value.items()}
    location = value.get("location")
    if value.get("class") not in ("File", "Directory") or not isinstance(location, str):
        return value
    if urlsplit(location).scheme in _HERE or location.startswith("_:"):
        return value
    basename = value.get("basename") or unquote(urlsplit(location).path.rstrip("/").rpartition("/")[2]) or "file"
    target = _room(folder) / Path(basename).name
    log(logging.INFO, f"fetching {_without_secrets(location)}")
    _fetch(location, target)
    return {**value, "location": target.as_uri(), "basename": basename}


def _fetch(location: str, target: Path) -> None:
    import fsspec  # type: ignore[import-untyped]

    try:
        filesystem, path = fsspec.core.url_to_fs(location)
        filesystem.get(path, str(target), recursive=filesystem.isdir(path))
    except ImportError as error:
        raise StoreError(f"{_without_secrets(location)} cannot be read: {error}") from error
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{_without_secrets(location)} could not be fetched: {type(error).__name__}: {error}"
        ) from error


def _room(folder: Path) -> Path:
    room = folder / f"fetched{sum(1 for _ in folder.iterdir())}"
    room.mkdir()
    return room


def _without_secrets(location: str) -> str:
    """A URI without user, password and query, which may be a signature."""
    parts = urlsplit(location)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
