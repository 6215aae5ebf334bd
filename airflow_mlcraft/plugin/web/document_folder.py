"""The folder of documents, and the process that reads them for this API server."""

from __future__ import annotations

from pathlib import Path

from airflow.configuration import conf

from airflow_mlcraft import settings
from airflow_mlcraft.layout.plan_cache import open_plan_cache
from airflow_mlcraft.library.folder import DocumentFolder
from airflow_mlcraft.library.sandbox import DocumentAccess, Sandbox
from airflow_mlcraft.project.user_dirs import find_shipped


def documents() -> DocumentFolder:
    """The folder from the settings; a relative path is relative to the DAGs folder."""
    return DocumentFolder(Path(conf.get("core", "dags_folder")).expanduser() / settings.get_path("documents"))


sandbox = Sandbox()


def document_access(folder: DocumentFolder) -> DocumentAccess:
    """Access to the files that documents may refer to: those of the folder and the shipped ones."""
    within = [folder.root, find_shipped("tools").resolve().parent]
    return DocumentAccess(within, settings.get_list("allowed_document_hosts"), open_plan_cache().root)
