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
    """Called as Airflow's jobs begin, and so before the scheduler's executor forks its workers."""
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
    """cwltool reads the schema of CWL v1.0 for the first tool that it makes, whatever that tool's version."""
    from cwltool.process import get_schema

    get_schema("v1.0")
