"""The listener that ends the MLflow run of an ended DAG run, also when a worker was killed or there is no last task."""

from __future__ import annotations

from typing import Any

from airflow.listeners import hookimpl

_OPERATORS = "airflow_mlcraft.operators."


@hookimpl
def on_dag_run_success(dag_run: Any, msg: str) -> None:
    """End the MLflow run as finished."""
    _end_mlflow_run(dag_run, "FINISHED")


@hookimpl
def on_dag_run_failed(dag_run: Any, msg: str) -> None:
    """End the MLflow run as failed."""
    _end_mlflow_run(dag_run, "FAILED")


def _end_mlflow_run(dag_run: Any, status: str) -> None:
    """End the run without waiting for the tracking store: this is called in the scheduler."""
    if not _may_be_tracked(dag_run):
        return
    from airflow_mlcraft.hooks.mlflow import open_tracking
    from airflow_mlcraft.tracking.names import DagRunName

    run_name = DagRunName(dag_run.dag_id, dag_run.run_id)
    tracking = open_tracking()
    if tracking is not None:
        tracking.wait = False
        tracking.end(run_name, status)


def _may_be_tracked(dag_run: Any) -> bool:
    """Whether a task of the DAG has an operator whose runs are tracked."""
    from airflow_mlcraft import settings
    from airflow_mlcraft.adapters.airflow_core import get_operator_module
    from airflow_mlcraft.layout.hints import TRACKED_OPERATOR_MODULES

    tracking = settings.get_choice("tracking")
    if tracking == "never" or dag_run.dag is None:
        return False
    modules = {get_operator_module(task) for task in dag_run.dag.tasks}
    operator_modules = {name for name in modules if name.startswith(_OPERATORS)}
    return bool(operator_modules) and (
        tracking == "always" or not operator_modules.isdisjoint(TRACKED_OPERATOR_MODULES)
    )
