"""Rabix Composer's reader and writer, asked by tests."""

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
class Opened:
    """A document that was opened and saved three times, and that again three times."""

    path: Path
    written: Any
    handed: Any
    """What an executor would be given: all in one."""
    said: tuple[str, ...]
    """What Composer complains of."""


def open_and_save(version: str, documents: Sequence[Path]) -> list[Opened]:
    """All at once, since node takes its time to start."""
    command = ["node", str(HERE / "round_trip.mjs"), str(HERE), version]
    paths = json.dumps([str(path) for path in documents])
    done = subprocess.run(command, input=paths, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert len(results) == len(documents)
    return [Opened(Path(each["path"]), each["written"], each["handed"], tuple(each["said"])) for each in results]
