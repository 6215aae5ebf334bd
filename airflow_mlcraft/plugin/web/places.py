"""Where the documents are that the pages show."""

from __future__ import annotations

from pathlib import Path

from airflow.configuration import conf

from airflow_mlcraft import settings
from airflow_mlcraft.library.folder import DocumentFolder


def documents() -> DocumentFolder:
    """The folder that the settings name; a relative one starts from the DAGs folder."""
    return DocumentFolder(Path(conf.get("core", "dags_folder")).expanduser() / settings.get_path("documents"))
