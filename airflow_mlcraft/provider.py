"""The provider's metadata for Airflow. Every process reads it, so this module imports almost nothing."""

from __future__ import annotations

from typing import Any

from airflow_mlcraft.settings import config_section

CWL = "Common Workflow Language (CWL)"


def get_provider_info() -> dict[str, Any]:
    """The provider's description, in the form of Airflow's `provider_info.schema.json`."""
    return {
        "package-name": "airflow-provider-mlcraft",
        "name": "MLcraft",
        "description": "CWL documents as DAGs, steps tracked in MLflow, files versioned with DVC.\n",
        "integrations": [
            {"integration-name": CWL, "external-doc-url": "https://www.commonwl.org/", "tags": ["software"]},
            {"integration-name": "MLflow", "external-doc-url": "https://mlflow.org/", "tags": ["software"]},
            {"integration-name": "DVC", "external-doc-url": "https://dvc.org/", "tags": ["software"]},
        ],
        "operators": [
            {
                "integration-name": CWL,
                "python-modules": [
                    "airflow_mlcraft.operators.step",
                    "airflow_mlcraft.operators.subworkflow",
                    "airflow_mlcraft.operators.run_inputs",
                    "airflow_mlcraft.operators.run_outputs",
                ],
            },
            {
                "integration-name": "MLflow",
                "python-modules": [
                    "airflow_mlcraft.operators.ml",
                    "airflow_mlcraft.operators.tracked_task",
                ],
            },
        ],
        "task-decorators": [
            {"name": "tracked", "class-name": "airflow_mlcraft.operators.tracked_task.tracked_task"},
        ],
        "hooks": [
            {"integration-name": CWL, "python-modules": ["airflow_mlcraft.hooks.store"]},
            {"integration-name": "MLflow", "python-modules": ["airflow_mlcraft.hooks.mlflow"]},
            {"integration-name": "DVC", "python-modules": ["airflow_mlcraft.hooks.dvc"]},
        ],
        "connection-types": [
            {"connection-type": "mlcraft_store", "hook-class-name": "airflow_mlcraft.hooks.store.StoreHook"},
            {"connection-type": "mlflow", "hook-class-name": "airflow_mlcraft.hooks.mlflow.MlflowHook"},
            {"connection-type": "dvc", "hook-class-name": "airflow_mlcraft.hooks.dvc.DvcHook"},
        ],
        "extra-links": [
            "airflow_mlcraft.operators.links.ReusedRunLink",
            "airflow_mlcraft.operators.links.MlflowRunLink",
            "airflow_mlcraft.operators.links.DataVersionLink",
        ],
        "asset-uris": [
            {"schemes": ["dvc"], "handler": "airflow_mlcraft.operators.assets.sanitize_data_uri"},
            {"schemes": ["mlflow"], "handler": "airflow_mlcraft.operators.assets.sanitize_model_uri"},
        ],
        "plugins": [{"name": "mlcraft", "plugin-class": "airflow_mlcraft.plugin.mlcraft_plugin.MlcraftPlugin"}],
        "config": config_section(),
    }
