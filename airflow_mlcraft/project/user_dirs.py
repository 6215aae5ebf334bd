"""Folders that all projects of a user share, and the folder of the shipped documents."""

from __future__ import annotations

import os
from pathlib import Path

from airflow_mlcraft.errors import MlcraftError


def cache_folder() -> Path:
    """MLcraft's folder in the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "mlcraft"


def environments_folder() -> Path:
    """The folder of the projects' Python environments."""
    folder = os.environ.get("AIRFLOW__MLCRAFT__ENVIRONMENTS")
    return Path(folder).expanduser() if folder else cache_folder() / "environments"


PACKAGE = Path(__file__).parents[1]


def find_shipped(*parts: str) -> Path:
    """The path of a shipped file or folder in the package or checkout, as `find_shipped("tools", "train.cwl")`."""
    for root in (PACKAGE / "shipped", PACKAGE.parent / "cwl"):
        if (path := root.joinpath(*parts)).exists():
            return path
    raise MlcraftError(f"{'/'.join(parts)} did not come with this installation of MLcraft; install it anew")
