"""The keys and passwords of a project in `.env`, which git ignores and only the user may read."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dotenv import dotenv_values, set_key

from airflow_mlcraft.common.files import translate_os_errors
from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project.project_paths import Project

MODE = 0o600
_KEY_NAME = re.compile(r"[A-Z][A-Z0-9_]*")


def read_env_file(project: Project) -> Mapping[str, str]:
    """The values by name; empty ones are left out."""
    if not project.secrets.is_file():
        return {}
    values = dotenv_values(project.secrets, interpolate=False)
    return {name: value for name, value in values.items() if value}


def write_key(project: Project, name: str, value: str) -> None:
    """Set a key; other keys and comments stay."""
    check_key_name(name)
    if not value or "\n" in value:
        raise ProjectError(f"the value of {name} is empty or has several lines")
    with translate_os_errors(project.secrets):
        project.secrets.touch(MODE)
        project.secrets.chmod(MODE)
        set_key(project.secrets, name, value)
        project.secrets.chmod(MODE)


def check_key_name(name: str) -> None:
    """Raise ProjectError if a key cannot have this name."""
    if not _KEY_NAME.fullmatch(name):
        raise ProjectError(f"{name!r} cannot be the name of a key: expected capitals, digits and _, such as DATA_KEY")


def is_readable_by_others(project: Project) -> bool:
    """Whether the file's mode lets other users read it."""
    return project.secrets.is_file() and bool(project.secrets.stat().st_mode & 0o077)
