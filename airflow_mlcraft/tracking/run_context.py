"""Tags for the runs that code of the user's own makes inside a task. MLflow finds this class by its entry point."""

from __future__ import annotations

import os

from mlflow.tracking.context.abstract_context import RunContextProvider

from airflow_mlcraft.tracking import tags
from airflow_mlcraft.tracking.parent_run import parent_run

_VARIABLES = {
    tags.DAG: "AIRFLOW_CTX_DAG_ID",
    tags.RUN: "AIRFLOW_CTX_DAG_RUN_ID",
    tags.TASK: "AIRFLOW_CTX_TASK_ID",
    tags.TRY: "AIRFLOW_CTX_TRY_NUMBER",
    tags.MAP_INDEX: "AIRFLOW_CTX_MAP_INDEX",
}


class AirflowRunContext(RunContextProvider):
    """Airflow says by environment variables which task is running."""

    def in_context(self) -> bool:
        """Whether a task is running here."""
        return "AIRFLOW_CTX_DAG_ID" in os.environ

    def tags(self) -> dict[str, str]:
        """The task's names."""
        found = {tag: os.environ.get(variable, "") for tag, variable in _VARIABLES.items()}
        found[tags.PARENT] = parent_run().get("id", "")
        return {tag: value for tag, value in found.items() if value}
