"""Who is there, and what can be done."""

from __future__ import annotations

from typing import Any

from airflow.configuration import conf
from fastapi import APIRouter

from airflow_mlcraft import settings
from airflow_mlcraft.plugin.web.access import AccessDep
from airflow_mlcraft.plugin.web.places import documents
from airflow_mlcraft.plugin.web.workshops import workshop

router = APIRouter()
_PARSE = 2.0
"""Seconds that a DAG file takes to be parsed, once Airflow was asked to."""


@router.get("/me")
def me(access: AccessDep) -> dict[str, Any]:
    """The user and the folder."""
    folder = documents()
    can_edit = access.may("PUT", None)
    if can_edit:
        workshop.warm_up()
    why_not = folder.why_not_writable()
    update = conf.getfloat("core", "min_serialized_dag_update_interval", fallback=30)
    return {
        "user": access.name,
        "can_edit": can_edit,
        "folder": str(folder.root),
        "writable": not why_not,
        "why_not": why_not,
        "airflow": {"dag_parsing_seconds": max(_PARSE, update)},
        "composer_form_default": settings.get_bool("composer_form"),
    }
