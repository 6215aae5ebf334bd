"""What a document says about its DAG: documentation, the trigger form, and the `mlcraft:Dag` hint."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from airflow_mlcraft.cwl.plan import Json, Plan
from airflow_mlcraft.dag.params import params_of
from airflow_mlcraft.dag.task_args import read_hint


def _texts(value: Json) -> list[str]:
    return [str(item) for item in (value if isinstance(value, list) else [value])]


def _moment(value: Json) -> datetime:
    from airflow.sdk.timezone import parse

    return parse(str(value))


def _schedule(value: Json) -> str:
    """Airflow finds a wrong one only as it stores the DAG, and then shows no other DAG of the file either."""
    from croniter import croniter

    text = str(value)
    if text not in _PRESETS and not croniter.is_valid(text):
        raise ValueError(f"expected a cron expression, or one of Airflow's presets such as @daily, found {text!r}")
    return text


def _assets(value: Json) -> Any:
    from airflow.sdk import Asset

    return [Asset(uri) for uri in _texts(value)]


_PRESETS = ("@once", "@continuous", "@quarterly")
"""Those that croniter does not know."""
_DAG_HINT: dict[str, tuple[str, Callable[[Json], Any]]] = {
    "schedule": ("schedule", _schedule),
    "scheduleOn": ("schedule", _assets),
    "startDate": ("start_date", _moment),
    "catchup": ("catchup", bool),
    "tags": ("tags", _texts),
    "owner": ("owner", str),
    "maxActiveRuns": ("max_active_runs", int),
    "maxActiveTasks": ("max_active_tasks", int),
    "retries": ("retries", int),
}
_DEFAULT_ARGS = ("owner", "retries")


def args_of_plan(plan: Plan) -> dict[str, Any]:
    """The arguments of a plan's DAG."""
    root = plan.root
    hint = read_hint("Dag", (root.hints or {}).get("Dag", {}), _DAG_HINT, plan.document)
    default_args = {name: hint.pop(name) for name in _DEFAULT_ARGS if name in hint}
    doc = root.doc.strip()
    return {
        "schedule": None,
        "catchup": False,
        "params": params_of(root),
        "default_args": default_args,
        **({"dag_display_name": root.label} if root.label else {}),
        **({"description": doc.splitlines()[0][:200], "doc_md": doc} if doc else {}),
        **hint,
        "tags": sorted({"cwl", *hint.get("tags", ())}),
    }
