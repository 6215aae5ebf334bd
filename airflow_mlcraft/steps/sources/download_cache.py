"""Cache of downloads between tries and runs: the data, their metadata, and the part of a download that broke off."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airflow_mlcraft.common.files import write_atomically
from airflow_mlcraft.common.hashing import sha256_of_file
from airflow_mlcraft.common.locks import locked_if_free

_TEMPORARY_FOLDER = ".retrieve"


Metadata = dict[str, Any]


class DownloadCache:
    """The cache of one source in a folder. `name` is the file name of the data."""

    def __init__(self, folder: Path, name: str):
        self.folder = folder
        self.data = folder / "whole" / name
        self.part = folder / "part"
        self.data.parent.mkdir(parents=True, exist_ok=True)

    def metadata(self) -> Metadata | None:
        """The metadata of the data; None if there are no data, or if they have changed since."""
        metadata = _read(self.folder / "whole.json")
        if metadata is None or not self.data.is_file() or sha256_of_file(self.data) != metadata.get("sha256"):
            return None
        return metadata

    def part_metadata(self) -> Metadata | None:
        """The metadata of a part; None if there is no part."""
        return _read(self.folder / "part.json") if self.part.is_file() else None

    def part_size(self) -> int:
        """The size of the part in bytes; 0 if there is none."""
        return self.part.stat().st_size if self.part.is_file() else 0

    def start_part(self, metadata: Metadata) -> None:
        """Start a new, empty part with this metadata."""
        self.part.unlink(missing_ok=True)
        _write(self.folder / "part.json", metadata)
        self.part.touch()

    def drop_part(self) -> None:
        """Delete the part."""
        self.part.unlink(missing_ok=True)
        (self.folder / "part.json").unlink(missing_ok=True)

    def finish(self, metadata: Metadata) -> bool:
        """Make the complete part the data. Returns whether they are the same as before."""
        (self.folder / "whole.json").unlink(missing_ok=True)
        found = sha256_of_file(self.part)
        same = self.data.is_file() and sha256_of_file(self.data) == found
        self.part.replace(self.data)
        _write(self.folder / "whole.json", {**metadata, "sha256": found})
        self.drop_part()
        return same

    def clear(self) -> None:
        """Delete data and part."""
        self.drop_part()
        (self.folder / "whole.json").unlink(missing_ok=True)
        self.data.unlink(missing_ok=True)


@contextmanager
def lock_cache_folder(state: Path | None, folder: Path, identity: str) -> Iterator[Path]:
    """A cache folder for one source: in `state` if that is set, otherwise a temporary one in `folder`.

    The temporary one also serves while another process has the lock, such as an earlier try that still runs.
    """
    if state is not None:
        place = state / "retrieve" / hashlib.sha256(identity.encode()).hexdigest()[:20]
        place.mkdir(parents=True, exist_ok=True)
        with locked_if_free(place / "lock") as lock:
            if lock is not None:
                yield place
                return
    place = folder / _TEMPORARY_FOLDER
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def link_or_copy(source: Path, target: Path) -> None:
    """Put a file at another place: as a hard link if possible, otherwise as a copy."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _read(path: Path) -> Metadata | None:
    try:
        metadata = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return metadata if isinstance(metadata, dict) else None


def _write(path: Path, metadata: Metadata) -> None:
    write_atomically(path, json.dumps(metadata).encode())
