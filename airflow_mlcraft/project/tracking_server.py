"""Tracking settings of a project: an MLflow server, DagsHub, or a database beside the projects."""

from __future__ import annotations

import json

from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import env_file
from airflow_mlcraft.project.manifest import Manifest
from airflow_mlcraft.project.project_paths import Project

DAGSHUB_TOKEN = "DAGSHUB_TOKEN"  # noqa: S105 - the name of the variable
_CONNECTION_ID = "mlcraft_dagshub"


def tracking_environment(project: Project, manifest: Manifest) -> dict[str, str]:
    """Environment variables for Airflow. Raises ProjectError if DagsHub is set without a token."""
    if not manifest.dagshub:
        return {"AIRFLOW__MLCRAFT__TRACKING_URI": manifest.tracking_uri, "AIRFLOW__MLCRAFT__TRACKING_CONN_ID": ""}
    token = env_file.read_env_file(project).get(DAGSHUB_TOKEN)
    if not token:
        raise ProjectError(
            f"runs of {project.name} go to DagsHub, and {project.secrets} has no {DAGSHUB_TOKEN}",
            f"give it with `mlcraft config {project.name} --key {DAGSHUB_TOKEN}`",
        )
    connection = {"conn_type": "mlflow", "password": token, "extra": {"dagshub": manifest.dagshub}}
    return {
        f"AIRFLOW_CONN_{_CONNECTION_ID.upper()}": json.dumps(connection),
        "AIRFLOW__MLCRAFT__TRACKING_CONN_ID": _CONNECTION_ID,
        "AIRFLOW__MLCRAFT__TRACKING_URI": "",
    }
