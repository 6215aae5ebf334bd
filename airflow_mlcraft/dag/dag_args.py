"""A document's arguments for its DAG: documentation, the trigger form, and the fields of the `mlcraft:Dag` hint."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow_mlcraft import settings
from airflow_mlcraft.cwl.plan import Json, Plan
from airflow_mlcraft.dag.params import build_params
from airflow_mlcraft.layout.hints import HintField, read_hint, to_boolean, to_integer, to_text


def _to_texts(value: Json) -> list[str]:
    return [to_text(item) for item in (value if isinstance(value, list) else [value])]


def _to_tags(value: Json) -> list[str]:
    from airflow_mlcraft.adapters.airflow_sdk import TAG_MAX_LEN

    tags = _to_texts(value)
    if too_long := [tag for tag in tags if len(tag) > TAG_MAX_LEN]:
        raise ValueError(f"a tag has {len(too_long[0])} characters, expected at most {TAG_MAX_LEN}")
    return tags


def _to_datetime(value: Json) -> datetime:
    from airflow.sdk.timezone import parse

    return parse(str(value))


def _to_schedule(value: Json) -> str:
    """A validated schedule: Airflow finds an invalid one only as it stores the DAG, and drops the whole DAG file."""
    from croniter import croniter

    text = to_text(value)
    if text not in _PRESETS and not croniter.is_valid(text):
        raise ValueError(f"expected a cron expression, or one of Airflow's presets such as @daily, found {text!r}")
    return text


def _to_assets(value: Json) -> Any:
    from airflow.sdk import Asset

    return [Asset(uri) for uri in _to_texts(value)]


_PRESETS = ("@once", "@continuous", "@quarterly")
"""Airflow's presets that croniter does not accept."""
_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_AT_LEAST_ONE = {"type": "integer", "minimum": 1}

DAG_FIELDS: dict[str, HintField] = {
    "schedule": HintField(
        "schedule",
        _to_schedule,
        "Schedule",
        "When the DAG runs by itself: a cron expression or a preset. All inputs then need defaults.",
        {**_TEXT, "examples": ["@daily", "@hourly", "@weekly", "0 6 * * 1-5"]},
    ),
    "scheduleOn": HintField(
        "schedule", _to_assets, "Run on assets", "The URIs of assets; a change of all of them starts a run.", _TEXTS
    ),
    "startDate": HintField(
        "start_date",
        _to_datetime,
        "Start date",
        "The schedule holds from this day on.",
        {**_TEXT, "examples": ["2026-01-01"]},
    ),
    "catchup": HintField(
        "catchup",
        to_boolean,
        "Catch up",
        "Whether runs that were missed since the start date are made up for.",
        {"type": "boolean", "default": False},
    ),
    "hidden": HintField(
        "hidden",
        to_boolean,
        "Hidden",
        "Whether the document has no DAG of its own, and is only used by others.",
        {"type": "boolean", "default": False},
    ),
    "tags": HintField("tags", _to_tags, "Tags", "What the list of DAGs can be searched by.", _TEXTS),
    "owner": HintField("owner", to_text, "Owner", "Who looks after the tasks.", _TEXT),
    "maxActiveRuns": HintField(
        "max_active_runs", to_integer, "Runs at once", "How many runs of the DAG there are at once.", _AT_LEAST_ONE
    ),
    "maxActiveTasks": HintField(
        "max_active_tasks",
        to_integer,
        "Tasks at once",
        "How many tasks of a run there are at once.",
        _AT_LEAST_ONE,
    ),
    "retries": HintField(
        "retries",
        to_integer,
        "Retries",
        "How often a task is tried again when it fails, unless it says otherwise.",
        {"type": "integer", "minimum": 0},
    ),
}
_DEFAULT_ARGS = ("owner", "retries")
_KIND_TAGS = {"Workflow": "cwl:workflow"}
_TOOL_TAG = "cwl:tool"


def is_hidden(plan: Plan) -> bool:
    """Whether a document of a folder has no DAG of its own: by its hint, or as a tool by the setting `tool_dags`."""
    hint = (plan.root.hints or {}).get("Dag", {})
    hidden = hint.get("hidden") if isinstance(hint, dict) else None
    return hidden is True or (hidden is None and plan.kind != "Workflow" and not settings.get_bool("tool_dags"))


def build_dag_args(plan: Plan) -> dict[str, Any]:
    """The arguments of a plan's DAG."""
    root = plan.root
    hint = read_hint("Dag", (root.hints or {}).get("Dag", {}), DAG_FIELDS, plan.document)
    # A document that is hidden in a folder can still be the DAG of a `CwlDag`.
    hint.pop("hidden", None)
    default_args = {name: hint.pop(name) for name in _DEFAULT_ARGS if name in hint}
    doc = root.doc.strip()
    return {
        "schedule": None,
        "catchup": False,
        "params": build_params(root),
        "default_args": default_args,
        **({"dag_display_name": root.label} if root.label else {}),
        **({"description": doc.splitlines()[0][:200], "doc_md": doc} if doc else {}),
        **hint,
        "tags": sorted({"cwl", _KIND_TAGS.get(plan.kind, _TOOL_TAG), *hint.get("tags", ())}),
    }
