"""Portable URIs: loaded documents without absolute paths and random ids, the same on each machine and each time."""

from __future__ import annotations

import re
from pathlib import Path

from airflow_mlcraft.cwl.plan import Json

DOCUMENT_SCHEME = "cwldoc:///"
"""The scheme of a location relative to the common folder of a document's files (`Plan.base`)."""

_GENERATED_ID = re.compile(r"(?:_:|#)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def is_generated_id(name: str) -> bool:
    """Whether cwltool generated an id."""
    return _GENERATED_ID.search("#" + name) is not None


class PortableUris:
    """Rewrites URIs below a folder, and numbers the random ids that cwltool generates for nameless processes."""

    def __init__(self, base: Path):
        self._prefix = base.as_uri().rstrip("/") + "/"
        self._generated_ids: dict[str, str] = {}

    def rewrite(self, node: Json) -> Json:
        """A portable copy of a JSON value. Random ids keep their number within one document."""
        if isinstance(node, str):
            return self._text(node)
        if isinstance(node, dict):
            return {key: self.rewrite(item) for key, item in node.items() if not key.startswith("_")}
        if isinstance(node, list):
            return [self.rewrite(item) for item in node]
        return node

    def rewrite_document(self, node: Json) -> Json:
        """A portable copy of a process, with its random ids numbered from one."""
        self._generated_ids = {}
        return self.rewrite(node)

    def _text(self, text: str) -> str:
        if text.startswith(self._prefix):
            text = DOCUMENT_SCHEME + text.removeprefix(self._prefix)
        if "-" in text and (text.startswith(("_:", DOCUMENT_SCHEME))):
            text = _GENERATED_ID.sub(self._number, text)
        return text

    def _number(self, match: re.Match[str]) -> str:
        name = match.group()
        head = name[: len(name) - 36]
        return f"{head}{self._generated_ids.setdefault(name[-36:], f'anonymous{len(self._generated_ids) + 1}')}"


def restore_locations(node: Json, base: str) -> Json:
    """Values with the real locations of the document's File and Directory objects: the inverse for values."""
    if isinstance(node, dict):
        restored = {key: restore_locations(item, base) for key, item in node.items()}
        location = restored.get("location", restored.get("path"))
        if isinstance(location, str) and location.startswith(DOCUMENT_SCHEME):
            restored.pop("path", None)
            restored["location"] = Path(base).as_uri().rstrip("/") + "/" + location.removeprefix(DOCUMENT_SCHEME)
        return restored
    if isinstance(node, list):
        return [restore_locations(item, base) for item in node]
    return node
