"""An auth manager that lets some users do something to single DAGs alone."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

OWN = {"editor": "greetings"}
"""Who may see all DAGs, and change and run this one."""
ALONE = {"outsider": "greetings"}
"""Who may see no other DAG than this one."""


class SingleDags(SimpleAuthManager):
    """Airflow's simple one, but for these users."""

    def is_authorized_dag(self, *, method: Any, user: Any, access_entity: Any = None, details: Any = None) -> bool:
        """Whether a user may do something to a DAG."""
        name = user.get_name()
        dag_id = details.id if details else None
        if name in OWN and method != "GET" and dag_id not in (None, OWN[name]):
            return False
        if name in ALONE and dag_id not in (None, ALONE[name]):
            return False
        return bool(super().is_authorized_dag(method=method, user=user, access_entity=access_entity, details=details))
