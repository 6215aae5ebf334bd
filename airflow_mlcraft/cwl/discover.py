"""Search of a folder for CWL documents, without loading any."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

SUFFIXES = (".cwl", ".json", ".yaml", ".yml")
_MAX_HEAD_BYTES = 64 * 1024
_PROCESS_FIELD = re.compile(rb"""^(?:\{.*)?["']?(?:class|\$graph)["']?\s*:|"(?:class|\$graph)"\s*:""", re.MULTILINE)
"""Only at the outermost level of YAML: job files have classes too, those of their files."""


def find_documents(folder: Path) -> list[Path]:
    """The documents below a folder, sorted, without those of hidden folders."""
    return [folder / name for name in find_document_names(folder)]


def find_document_names(folder: Path) -> list[str]:
    """The documents as paths relative to the folder, with slashes; much faster for thousands."""
    root = os.path.realpath(folder)
    return sorted(_walk(root, "", {root}), key=lambda name: name.split("/"))


def _walk(folder: str, below: str, roots: set[str]) -> Iterator[str]:
    """Walk a folder; `roots` are the real paths of the folders entered so far, directly or through links."""
    with suppress(PermissionError), os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            name = entry.name
            if name.startswith((".", "__pycache__")):
                continue
            if entry.is_dir() and _is_utf8(name):
                if not entry.is_symlink() or _enters_new_folder(entry.path, roots):
                    yield from _walk(entry.path, f"{below}{name}/", roots)
            elif name.endswith(SUFFIXES) and (name.endswith(".cwl") or _looks_like_cwl(Path(entry.path))):
                if _is_utf8(name):
                    yield below + name
                else:
                    log.warning("%r in %r is left out: its name is not UTF-8 text; rename it", name, folder)


def _is_utf8(name: str) -> bool:
    """Whether a name is UTF-8; other names cannot be part of ids, plans and database columns."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _enters_new_folder(link: str, roots: set[str]) -> bool:
    """Whether a link leads to a folder that was not entered yet, so that cycles of links end."""
    target = os.path.realpath(link)
    if any(os.path.commonpath([target, root]) in (target, root) for root in roots):
        return False
    roots.add(target)
    return True


def _looks_like_cwl(path: Path) -> bool:
    """Whether the start of a file has the fields of a CWL document; other YAML or JSON files may be job files."""
    try:
        with path.open("rb") as file:
            head = file.read(_MAX_HEAD_BYTES)
    except OSError:
        return False
    return b"cwlVersion" in head and _PROCESS_FIELD.search(head) is not None
