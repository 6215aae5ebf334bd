"""Folders of the user's that all projects share."""

from __future__ import annotations

import os
from pathlib import Path


def cache() -> Path:
    """The user's cache of ours."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "mlcraft"


def environments_folder() -> Path:
    """The Python environments of projects."""
    named = os.environ.get("AIRFLOW__MLCRAFT__ENVIRONMENTS")
    return Path(named).expanduser() if named else cache() / "environments"
