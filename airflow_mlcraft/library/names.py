"""Paths of documents as people and pages give them, and what may be one."""

from __future__ import annotations

import unicodedata

from airflow_mlcraft.cwl.discover import SUFFIXES
from airflow_mlcraft.library.refusals import BadNameError

_MAX_LENGTH = 1000
_MAX_PART = 240


def good_name(path: str) -> str:
    """The path, if it can be that of a document below the folder."""
    if fault := _fault_of(path):
        raise BadNameError(f"{_shown(path)} cannot be the path of a document: {fault}")
    return path


def _fault_of(path: str) -> str:
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in path):
        return "it has characters that cannot be seen"
    if path.startswith("/") or "\\" in path or ":" in path:
        return "expected one below the documents folder, with / between folders, such as texts/count.cwl"
    parts = path.split("/")
    if any(not part or part.startswith((".", "__pycache__")) for part in parts):
        return "each of its names has to be there, and not to begin with a dot"
    if not path.endswith(SUFFIXES):
        return f"expected a name that ends with one of {', '.join(SUFFIXES)}"
    too_long = len(path) > _MAX_LENGTH or any(len(part.encode()) > _MAX_PART for part in parts)
    return "it is too long" if too_long else ""


def _shown(path: str) -> str:
    text = repr(path)
    return text if len(text) <= 80 else f"{text[:79]}…'"  # noqa: PLR2004
