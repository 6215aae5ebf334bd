"""The plan cache in the place that the settings name."""

from __future__ import annotations

from typing import cast

from airflow_mlcraft import settings
from airflow_mlcraft.cwl.cache import PlanCache
from airflow_mlcraft.cwl.fuse import FuseMode


def open_plan_cache() -> PlanCache:
    """The plan cache, with the settings `cache`, `allowed_document_hosts`, `fuse` and `development_versions`."""
    fuse = cast(FuseMode, settings.get_choice("fuse"))
    return PlanCache(
        settings.get_path("cache"),
        settings.get_list("allowed_document_hosts"),
        fuse,
        settings.get_bool("development_versions"),
    )
