"""The route of the hints' schema, from which the builder creates its forms."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import APIRouter

from airflow_mlcraft.adapters.airflow_api import GetUserDep
from airflow_mlcraft.library.hint_schema import build_hint_schema

router = APIRouter()


@router.get("/schema")
def schema(user: GetUserDep) -> dict[str, Any]:
    """The hints and their fields."""
    return _schema()


@cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = build_hint_schema()
    return schema
