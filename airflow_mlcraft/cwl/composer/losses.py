"""The parts of a document that cannot be expressed in Composer's form, each with its position."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_mlcraft.cwl.sources import uri_to_path


@dataclass(frozen=True)
class ComposerProblem:
    """A part of a document that cannot be expressed for Composer."""

    message: str
    path: str
    line: int | None = None
    column: int | None = None
    step: str = ""
    harmless: bool = False
    """Whether the results of the form are the same: only a description is lost."""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.path, self.line, self.column) if part)
        return f"{place}: {self.message}"


class Losses:
    """Collects problems while a document is converted."""

    def __init__(self, document: Path):
        self._document = document
        self.found: list[ComposerProblem] = []

    def add(
        self,
        message: str,
        node: Any,
        key: str | None = None,
        *,
        step: str = "",
        around: Any = None,
        harmless: bool = False,
    ) -> None:
        """Add a problem of a part of the document as cwltool has read it; `harmless` if no result depends on it.

        The position is that of the enclosing part if cwltool has created the part from a single value.
        """
        path, line, column = self._position(node, key)
        if line is None and around is not None:
            path, line, column = self._position(around, None)
        problem = ComposerProblem(message, path, line, column, step, harmless)
        if problem not in self.found:
            self.found.append(problem)

    def _position(self, node: Any, key: str | None) -> tuple[str, int | None, int | None]:
        marks = getattr(node, "lc", None)
        if marks is None:
            return str(self._document), None, None
        path = str(_to_path(getattr(marks, "filename", "")) or self._document)
        try:
            line, column = marks.data[key][:2] if key is not None else (marks.line, marks.col)
        except (KeyError, TypeError):
            line, column = marks.line, marks.col
        return path, None if line is None else line + 1, None if column is None else column + 1


def _to_path(name: str) -> Path | None:
    if not name:
        return None
    return uri_to_path(name) if name.startswith("file:") else Path(name).absolute().resolve()
