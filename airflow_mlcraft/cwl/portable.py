"""Make what cwltool loaded independent of the machine and of the moment: no absolute paths, no random names."""

from __future__ import annotations

import re
from pathlib import Path

from airflow_mlcraft.cwl.plan import Json

SCHEME = "cwldoc:///"
"""A location relative to the folder that all files of a document have in common (`Plan.base`)."""

_BLANK = re.compile(r"(?:_:|#)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def is_random(name: str) -> bool:
    """Whether a name is one that cwltool invented."""
    return _BLANK.search("#" + name) is not None


class Portable:
    """Rewrites URIs below a folder, and numbers the random ids that cwltool gives to nameless processes."""

    def __init__(self, base: Path):
        self._prefix = base.as_uri().rstrip("/") + "/"
        self._blanks: dict[str, str] = {}

    def value(self, node: Json) -> Json:
        """A copy of a JSON value, portable. Random ids keep their number within one document."""
        if isinstance(node, str):
            return self._text(node)
        if isinstance(node, dict):
            return {key: self.value(item) for key, item in node.items() if not key.startswith("_")}
        if isinstance(node, list):
            return [self.value(item) for item in node]
        return node

    def document(self, node: Json) -> Json:
        """A process of its own: its random ids are numbered from one."""
        self._blanks = {}
        return self.value(node)

    def _text(self, text: str) -> str:
        if text.startswith(self._prefix):
            text = SCHEME + text.removeprefix(self._prefix)
        if "-" in text and (text.startswith(("_:", SCHEME))):
            text = _BLANK.sub(self._number, text)
        return text

    def _number(self, match: re.Match[str]) -> str:
        name = match.group()
        head = name[: len(name) - 36]
        return f"{head}{self._blanks.setdefault(name[-36:], f'anonymous{len(self._blanks) + 1}')}"


def placed(node: Json, base: str) -> Json:
    """The inverse for values: File and Directory objects of the document get their real location."""
    if isinstance(node, dict):
        moved = {key: placed(item, base) for key, item in node.items()}
        location = moved.get("location", moved.get("path"))
        if isinstance(location, str) and location.startswith(SCHEME):
            moved.pop("path", None)
            moved["location"] = Path(base).as_uri().rstrip("/") + "/" + location.removeprefix(SCHEME)
        return moved
    if isinstance(node, list):
        return [placed(item, base) for item in node]
    return node
