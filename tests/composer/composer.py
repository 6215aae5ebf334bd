"""Rabix Composer's reader and writer, run by node for tests."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
VERSIONS = ("1.15.29", "1.23.10")


@dataclass(frozen=True)
class SavedDocument:
    """A document after Composer has opened and saved it three times, twice."""

    path: Path
    written: Any
    handed: Any
    """The document that Composer would pass to an executor, in one piece."""
    messages: tuple[str, ...]
    """Complaints of Composer."""


def open_and_save(version: str, documents: Sequence[Path]) -> list[SavedDocument]:
    """Open and save documents in one process, because node starts slowly."""
    command = ["node", str(HERE / "round_trip.mjs"), str(HERE), version]
    paths = json.dumps([str(path) for path in documents])
    done = subprocess.run(command, input=paths, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert len(results) == len(documents)
    return [SavedDocument(Path(each["path"]), each["written"], each["handed"], tuple(each["said"])) for each in results]
