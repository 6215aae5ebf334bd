"""Find the CWL documents of a folder without loading any."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

SUFFIXES = (".cwl", ".json", ".yaml", ".yml")
_HEAD = 64 * 1024


def documents_in(folder: Path) -> list[Path]:
    """The documents below a folder, sorted; those of hidden folders are left out."""
    return sorted(_walk(folder))


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__pycache__"))]
        for name in files:
            if name.endswith(SUFFIXES) and not name.startswith("."):
                path = Path(root, name)
                if name.endswith(".cwl") or _looks_like_cwl(path):
                    yield path


def _looks_like_cwl(path: Path) -> bool:
    """A YAML or JSON file may be anything, such as a job file; a document says which CWL it is written in."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    return b"cwlVersion" in head and (b"class" in head or b"$graph" in head)
