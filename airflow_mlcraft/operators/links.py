"""Operator links: the buttons on a task's page in Airflow."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink


class ReusedRunLink(BaseOperatorLink):
    """A link from a task with reused outputs to the task that produced them."""

    name = "Made by"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The page of the task that produced the outputs; empty when this one did."""
        producer = getattr(operator, "reused_from", None)
        return task_instance_page(**producer) if producer else ""


class MlflowRunLink(BaseOperatorLink):
    """A link from a task to its run in MLflow."""

    name = "MLflow run"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The run's page; empty without a tracking server."""
        return str(getattr(operator, "mlflow_page", ""))


class DataVersionLink(BaseOperatorLink):
    """A link from a task whose data is versioned to the task that versions it, and from there to the commit."""

    name = "Data version"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The task's page, or the commit's; empty where the repository has no web pages."""
        if task_id := getattr(operator, "version_task", ""):
            return task_instance_page(ti_key.dag_id, ti_key.run_id, task_id, None)
        return str(getattr(operator, "commit_page", ""))


def task_instance_page(dag_id: str, run_id: str, task_id: str, map_index: int | None) -> str:
    """A task instance's page in Airflow's web UI."""
    page = f"/dags/{quote(dag_id)}/runs/{quote(run_id)}/tasks/{quote(task_id)}"
    return page if map_index is None or map_index < 0 else f"{page}/mapped/{map_index}"
