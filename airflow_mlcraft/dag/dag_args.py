"""What a document says about its DAG: documentation, the trigger form, and the `mlcraft:Dag` hint."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow_mlcraft.cwl.plan import Json, Plan
from airflow_mlcraft.dag.hint_fields import HintField, read_hint
from airflow_mlcraft.dag.params import params_of


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
_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_AT_LEAST_ONE = {"type": "integer", "minimum": 1}

DAG_FIELDS: dict[str, HintField] = {
    "schedule": HintField(
        "schedule",
        _schedule,
        "Schedule",
        "When the DAG runs by itself: a cron expression or a preset. All inputs then need defaults.",
        {**_TEXT, "examples": ["@daily", "@hourly", "@weekly", "0 6 * * 1-5"]},
    ),
    "scheduleOn": HintField(
        "schedule", _assets, "Run on assets", "The URIs of assets; a change of all of them starts a run.", _TEXTS
    ),
    "startDate": HintField(
        "start_date",
        _moment,
        "Start date",
        "The schedule holds from this day on.",
        {**_TEXT, "examples": ["2026-01-01"]},
    ),
    "catchup": HintField(
        "catchup",
        bool,
        "Catch up",
        "Whether runs that were missed since the start date are made up for.",
        {"type": "boolean", "default": False},
    ),
    "tags": HintField("tags", _texts, "Tags", "What the list of DAGs can be searched by.", _TEXTS),
    "owner": HintField("owner", str, "Owner", "Who looks after the tasks.", _TEXT),
    "maxActiveRuns": HintField(
        "max_active_runs", int, "Runs at once", "How many runs of the DAG there are at once.", _AT_LEAST_ONE
    ),
    "maxActiveTasks": HintField(
        "max_active_tasks", int, "Tasks at once", "How many tasks of a run there are at once.", _AT_LEAST_ONE
    ),
    "retries": HintField(
        "retries",
        int,
        "Retries",
        "How often a task is tried again when it fails, unless it says otherwise.",
        {"type": "integer", "minimum": 0},
    ),
}
_DEFAULT_ARGS = ("owner", "retries")


def args_of_plan(plan: Plan) -> dict[str, Any]:
    """The arguments of a plan's DAG."""
    root = plan.root
    hint = read_hint("Dag", (root.hints or {}).get("Dag", {}), DAG_FIELDS, plan.document)
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
