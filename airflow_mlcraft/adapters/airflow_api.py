"""What the package uses of Airflow's API server: the user of a request, their permissions, the database session."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag

__all__ = ["APP_STATE", "DagAccessEntity", "GetUserDep", "SessionDep", "filter_dag_ids", "requires_access_dag"]

APP_STATE = ("auth_manager", "dag_bag", "secret_key")
"""The attributes of the state of Airflow's app that these dependencies read, also in an app mounted in it."""


def filter_dag_ids(user: Any, method: Any, dag_ids: Collection[str]) -> set[str]:
    """Those of the DAGs that the user may use the method on."""
    return get_auth_manager().filter_authorized_dag_ids(dag_ids=set(dag_ids), user=user, method=method)
