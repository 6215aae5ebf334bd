"""What the package uses of Airflow's API server: the user of a request, their permissions, the database session."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from airflow.models.dag import DagModel

__all__ = [
    "APP_STATE",
    "DagAccessEntity",
    "GetUserDep",
    "SessionDep",
    "filter_dag_ids",
    "is_dag_allowed",
    "requires_access_dag",
]

APP_STATE = ("auth_manager", "dag_bag", "secret_key")
"""The attributes of the state of Airflow's app that these dependencies read, also in an app mounted in it."""


def filter_dag_ids(user: Any, method: Any, dag_ids: Collection[str]) -> set[str]:
    """Those of the DAGs that the user may use the method on."""
    return get_auth_manager().filter_authorized_dag_ids(dag_ids=set(dag_ids), user=user, method=method)


def is_dag_allowed(user: Any, method: Any, dag_id: str | None, entity: Any = None) -> bool:
    """Whether the user may use the method on a DAG, or on what belongs to it; on DAGs in general when it is None.

    `requires_access_dag` takes the id of a DAG that is not in the address of the request since Airflow 3.1.8 only.
    """
    details = DagDetails(id=dag_id, team_name=DagModel.get_team_name(dag_id) if dag_id else None)
    return get_auth_manager().is_authorized_dag(method=method, access_entity=entity, details=details, user=user)
