"""Load cwltool once, in the scheduler whose executor forks the tasks: each task then finds it loaded."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from airflow.listeners import hookimpl

_FOR_STEPS = (
    "airflow_mlcraft.cwl.tool",
    "airflow_mlcraft.cwl.inputs",
    "airflow_mlcraft.operators.step",
    "airflow_mlcraft.operators.run_inputs",
    "airflow_mlcraft.operators.run_outputs",
    "airflow_mlcraft.store.values",
    "airflow_mlcraft.store.task_folders",
)


@hookimpl
def on_starting(component: Any) -> None:
    """Called as Airflow's jobs begin, and so before the scheduler's executor forks its workers."""
    from airflow_mlcraft import settings

    if _in_scheduler() and _executor_forks() and settings.get_bool("preload"):
        for module in _FOR_STEPS:
            import_module(module)
        _read_the_schemas()


def _in_scheduler() -> bool:
    """By the command: the component does not know yet what it is."""
    return sys.argv[1:2] == ["scheduler"]


def _executor_forks() -> bool:
    from airflow.configuration import conf

    return "LocalExecutor" in conf.get("core", "executor", fallback="")


def _read_the_schemas() -> None:
    """cwltool reads the schema of CWL v1.0 for the first tool that it makes, whatever that tool's version."""
    from cwltool.process import get_schema

    get_schema("v1.0")
