"""What a project has outside its folder: images, a container, services. A deletion names what is noted here."""

from __future__ import annotations

import json
from typing import TypeAlias

from airflow_mlcraft.common.files import write_text_atomically
from airflow_mlcraft.project.project_paths import Project

Notes: TypeAlias = "dict[str, str]"
"""What there is, each with a sentence on how it is removed."""


def noted(project: Project) -> Notes:
    """All of it, the oldest first; nothing where the note cannot be read."""
    try:
        found: Notes = json.loads(project.elsewhere.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def note(project: Project, what: str, removal: str) -> None:
    """Keep in mind that there is something, and how it is removed."""
    _write(project, {**noted(project), what: removal})


def forget(project: Project, what: str) -> None:
    """It is gone."""
    found = noted(project)
    if found.pop(what, None) is not None:
        _write(project, found)


def _write(project: Project, notes: Notes) -> None:
    write_text_atomically(project.elsewhere, json.dumps(notes, indent=1) + "\n")
