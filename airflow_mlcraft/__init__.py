"""CWL documents as Airflow DAGs.

The public names are imported at first use, so that `import airflow_mlcraft` is fast in DAG files.
"""

from __future__ import annotations

# `typing` alone would be half of the time that this module takes to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from airflow_mlcraft.dag.cwl_dag import CwlDag, CwlTaskGroup
    from airflow_mlcraft.dag.loader import load_cwl_dags
    from airflow_mlcraft.operators.task_run import current_run, tracked_run

__version__ = "0.2.0"
__all__ = ["CwlDag", "CwlTaskGroup", "__version__", "current_run", "load_cwl_dags", "tracked_run"]

_MODULE_OF_NAME = {
    "CwlDag": "airflow_mlcraft.dag.cwl_dag",
    "CwlTaskGroup": "airflow_mlcraft.dag.cwl_dag",
    "current_run": "airflow_mlcraft.operators.task_run",
    "load_cwl_dags": "airflow_mlcraft.dag.loader",
    "tracked_run": "airflow_mlcraft.operators.task_run",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF_NAME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_MODULE_OF_NAME[name]), name)
