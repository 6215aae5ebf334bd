"""The plan cache in the place that the settings name."""

from __future__ import annotations

from airflow_mlcraft import settings
from airflow_mlcraft.cwl.cache import PlanCache


def open_plan_cache() -> PlanCache:
    """The plan cache, with the settings `cache` and `allowed_document_hosts`."""
    return PlanCache(settings.get_path("cache"), settings.get_list("allowed_document_hosts"))
