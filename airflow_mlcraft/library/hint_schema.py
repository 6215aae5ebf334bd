"""The JSON schema of the `mlcraft:` hints, for forms, from the field tables in `layout.hints` and `dag`."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.dag.dag_args import DAG_FIELDS
from airflow_mlcraft.dag.task_args import TASK_FIELDS
from airflow_mlcraft.layout.hints import KIND_FIELDS, STEP_DATA_FIELDS, STEP_KINDS, WORKFLOW_DATA_FIELDS, HintField
from airflow_mlcraft.library.folder import read_text
from airflow_mlcraft.library.summary import summarize
from airflow_mlcraft.project.user_dirs import find_shipped

_NAMESPACE = "https://mlcraft.dev/cwl#"


def build_hint_schema() -> Json:
    """Build a schema for each hint, with where it is allowed, and the kinds of machine-learning steps."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "namespace": {"mlcraft": _NAMESPACE},
        "$defs": {
            "Dag": _build_object_schema(
                "Dag", "DAG", "When the workflow runs, and how much of it at once.", DAG_FIELDS, "workflow"
            ),
            "Task": _build_object_schema("Task", "Task", "How Airflow runs the step.", TASK_FIELDS, "step", "tool"),
            "Data": _build_data_schema("The values that get a version in the project's git and DVC repository."),
            **{kind: _build_kind_schema(kind) for kind in STEP_KINDS},
        },
        "kinds": list(STEP_KINDS),
    }


def _build_kind_schema(kind: str) -> Json:
    name = f"tools/{kind.lower()}.cwl"
    tool = summarize(read_text(find_shipped(*name.split("/")), name).text, name)
    return {**_build_object_schema(kind, tool.label, tool.doc, KIND_FIELDS[kind], "step", "tool"), "tool": name}


def _build_object_schema(
    name: str, title: str, description: str, fields: Mapping[str, HintField], *places: str
) -> Json:
    properties = {
        key: {"title": field.title, "description": field.description, **field.schema} for key, field in fields.items()
    }
    return _build_schema(name, title, description, properties, *places)


def _build_schema(name: str, title: str, description: str, properties: Json, *places: str) -> Json:
    return {
        "title": title,
        "description": description,
        "type": "object",
        "places": list(places),
        "properties": {"class": {"const": f"mlcraft:{name}"}, **properties},
        "required": ["class"],
        "additionalProperties": False,
    }


def _build_data_schema(description: str) -> Json:
    def paths(port: str) -> Json:
        return {
            "title": f"{port.capitalize()}s",
            "description": f"Which {port}s, and at which paths of the repository.",
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    port: {"title": port.capitalize(), "type": "string"},
                    "to": {"title": "Path", "type": "string", "examples": ["models/iris"]},
                },
                "required": [port, "to"],
                "additionalProperties": False,
            },
        }

    lists = {name: paths(name[:-1]) for name in WORKFLOW_DATA_FIELDS}
    for name in set(WORKFLOW_DATA_FIELDS) - set(STEP_DATA_FIELDS):
        lists[name]["places"] = ["workflow"]
    return _build_schema("Data", "Data versions", description, lists, "workflow", "step", "tool")
