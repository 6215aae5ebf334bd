"""What is kept of a source between tries and runs: the data, what was said of it, and a part that is not yet whole."""

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

_HIDDEN_FOLDER = ".retrieve"

Facts = dict[str, Any]


class Kept:
    """A folder for one source. `name` is what the file is called there."""

    def __init__(self, folder: Path, name: str):
        self.folder = folder
        self.data = folder / "whole" / name
        self.part = folder / "part"
        self.data.parent.mkdir(parents=True, exist_ok=True)

    def facts(self) -> Facts | None:
        """What was said of the data, if it is there as it was then."""
        facts = _read(self.folder / "whole.json")
        if facts is None or not self.data.is_file() or sha256_of_file(self.data) != facts.get("sha256"):
            return None
        return facts

    def part_facts(self) -> Facts | None:
        """What was said of the part."""
        return _read(self.folder / "part.json") if self.part.is_file() else None

    def reached(self) -> int:
        """The bytes of the part."""
        return self.part.stat().st_size if self.part.is_file() else 0

    def begin(self, facts: Facts) -> None:
        """A new part, of which this is said."""
        self.part.unlink(missing_ok=True)
        write_atomically(self.folder / "part.json", json.dumps(facts).encode())
        self.part.touch()

    def drop_part(self) -> None:
        """The part is of no use."""
        self.part.unlink(missing_ok=True)
        (self.folder / "part.json").unlink(missing_ok=True)

    def finish(self, facts: Facts) -> bool:
        """The part is whole. Says whether it is what was there before."""
        (self.folder / "whole.json").unlink(missing_ok=True)
        found = sha256_of_file(self.part)
        same = self.data.is_file() and sha256_of_file(self.data) == found
        self.part.replace(self.data)
        write_atomically(self.folder / "whole.json", json.dumps({**facts, "sha256": found}).encode())
        self.drop_part()
        return same

    def forget(self) -> None:
        """All of it."""
        self.drop_part()
        (self.folder / "whole.json").unlink(missing_ok=True)
        self.data.unlink(missing_ok=True)


@contextmanager
def room(state: Path | None, folder: Path, identity: str) -> Iterator[Path]:
    """A folder for one source: in `state` where there is one, otherwise in `folder` for as long as it is needed.

    Another process at the same source has it for itself, as a try that was given up but still runs.
    """
    if state is not None:
        place = state / "retrieve" / hashlib.sha256(identity.encode()).hexdigest()[:20]
        place.mkdir(parents=True, exist_ok=True)
        with locked_if_free(place / "lock") as lock:
            if lock is not None:
                yield place
                return
    place = folder / _HIDDEN_FOLDER
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def put(source: Path, target: Path) -> None:
    """The same bytes at another place, without copying where links can be made."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _read(path: Path) -> Facts | None:
    try:
        facts = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) else None
