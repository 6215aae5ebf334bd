"""The process that reads documents for this API server, and what it may read."""

from __future__ import annotations

from airflow_mlcraft import settings
from airflow_mlcraft.library.folder import DocumentFolder
from airflow_mlcraft.library.workshop import Reading, Workshop
from airflow_mlcraft.operators.base import plan_cache
from airflow_mlcraft.project.shipped import shipped

workshop = Workshop()


def reading(folder: DocumentFolder) -> Reading:
    """Documents may refer to each other and to the shipped ones, and to nothing else of this machine."""
    within = [folder.root, shipped("tools").resolve().parent]
    return Reading(within, settings.get_list("allowed_document_hosts"), plan_cache().root)
