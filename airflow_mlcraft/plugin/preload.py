"""The listener that loads cwltool in the scheduler, so that forked tasks find it loaded."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from airflow.listeners import hookimpl

_STEP_MODULES = (
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
    """Load the modules as Airflow's scheduler starts, before its executor forks the workers."""
    from airflow_mlcraft import settings

    if _in_scheduler() and _executor_forks() and settings.get_bool("preload"):
        for module in _STEP_MODULES:
            import_module(module)
        _load_cwl_schema()


def _in_scheduler() -> bool:
    """Whether the command is `airflow scheduler`; the component has no job type yet."""
    return sys.argv[1:2] == ["scheduler"]


def _executor_forks() -> bool:
    from airflow.configuration import conf

    return "LocalExecutor" in conf.get("core", "executor", fallback="")


def _load_cwl_schema() -> None:
    """Load the schema of CWL v1.0, which cwltool needs for its first tool, whatever that tool's version."""
    from airflow_mlcraft.adapters.cwltool import load_schema

    load_schema("v1.0")
