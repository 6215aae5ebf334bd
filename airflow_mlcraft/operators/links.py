"""Buttons on a task's page."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink


class ReusedRunLink(BaseOperatorLink):
    """From a task that reused what another has made, to that other."""

    name = "Made by"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The page of the task that made the outputs; nothing when this one did."""
        made_by = getattr(operator, "made_by", None)
        return page_of(**made_by) if made_by else ""


class MlflowRunLink(BaseOperatorLink):
    """From a task to its run in MLflow."""

    name = "MLflow run"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The run's page; nothing where there is no server that has one."""
        return str(getattr(operator, "mlflow_page", ""))


class DataVersionLink(BaseOperatorLink):
    """From a task whose data is versioned to the task that does so, and from there to the commit."""

    name = "Data version"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The task's page, or the commit's; nothing where the repository has no pages."""
        if task_id := getattr(operator, "version_task", ""):
            return page_of(ti_key.dag_id, ti_key.run_id, task_id, None)
        return str(getattr(operator, "commit_page", ""))


def page_of(dag_id: str, run_id: str, task_id: str, map_index: int | None) -> str:
    """A task instance's page in Airflow's web UI."""
    page = f"/dags/{quote(dag_id)}/runs/{quote(run_id)}/tasks/{quote(task_id)}"
    return page if map_index is None or map_index < 0 else f"{page}/mapped/{map_index}"
