"""A step's arguments for its task: documentation, time limit, resources, and the fields of the `mlcraft:Task` hint."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow_mlcraft.cwl.plan import Json, Step
from airflow_mlcraft.layout.hints import (
    KIND_FIELDS,
    FieldError,
    HintField,
    get_step_kind,
    read_hint,
    to_integer,
    to_text,
)

_GRACE_SECONDS = 60.0
"""Seconds beyond a tool's own time limit, so that cwltool ends the tool with a message before Airflow ends the task."""
_MAX_SECONDS = 3650 * 86400.0
"""Ten years: Airflow adds a task's limit to the current date, which ends in the year 9999."""


def _to_timedelta(value: Json) -> timedelta:
    if isinstance(value, bool) or not float(value) >= 0:
        raise ValueError("expected a number of seconds")
    return timedelta(seconds=float(value))


_COUNT = {"type": "integer", "minimum": 0}
_AT_LEAST_ONE = {"type": "integer", "minimum": 1}
_TIME = {"type": "number", "minimum": 0}
_TEXT = {"type": "string"}

TASK_FIELDS: dict[str, HintField] = {
    "retries": HintField("retries", to_integer, "Retries", "How often the task is tried again when it fails.", _COUNT),
    "retryDelay": HintField("retry_delay", _to_timedelta, "Retry delay", "Seconds before it is tried again.", _TIME),
    "timeout": HintField(
        "execution_timeout", _to_timedelta, "Timeout", "Seconds after which the task is ended, and has failed.", _TIME
    ),
    "queue": HintField("queue", to_text, "Queue", "The queue whose workers run the task.", _TEXT),
    "pool": HintField("pool", to_text, "Pool", "The pool whose slots the task takes.", _TEXT),
    "poolSlots": HintField(
        "pool_slots", to_integer, "Pool slots", "How many slots of the pool it takes.", _AT_LEAST_ONE
    ),
    "priority": HintField(
        "priority_weight", to_integer, "Priority", "Tasks of a higher priority run first.", {"type": "integer"}
    ),
    "owner": HintField("owner", to_text, "Owner", "Who looks after the task.", _TEXT),
    "maxActive": HintField(
        "max_active_tis_per_dagrun",
        to_integer,
        "Items at once",
        "How many items of a scatter run at once.",
        _AT_LEAST_ONE,
    ),
}


def build_task_args(step: Step) -> dict[str, Any]:
    """The arguments of the task that runs a step."""
    args: dict[str, Any] = {}
    doc = "\n\n".join(text for text in (step.label, step.doc or _tool_doc(step)) if text)
    if doc:
        args["doc_md"] = doc
    if step.time_limit > 0:
        if not step.time_limit <= _MAX_SECONDS:
            raise FieldError(
                f"ToolTimeLimit of {step.id} is {step.time_limit:g} seconds, expected at most {_MAX_SECONDS:g}",
                "timelimit",
                step.time_limit,
            )
        args["execution_timeout"] = _to_timedelta(step.time_limit + _GRACE_SECONDS)
    args.update(_resource_args(step.resources or {}))
    hints = step.hints or {}
    args.update(read_hint("Task", hints.get("Task", {}), TASK_FIELDS, step.id))
    if (kind := get_step_kind(step)) is not None:
        # Only validated here; the operator reads the fields when the task runs.
        read_hint(kind, hints[kind], KIND_FIELDS[kind], step.id)
    return args


def build_group_args(step: Step) -> dict[str, Any]:
    """The arguments of the task group of a sub-workflow."""
    args = {"group_display_name": step.label or step.id}
    tooltip = step.doc or _tool_doc(step)
    return {**args, "tooltip": tooltip} if tooltip else args


def _tool_doc(step: Step) -> str:
    return "\n\n".join(text for text in (step.run.label, step.run.doc) if text)


def _resource_args(resources: Mapping[str, Json]) -> dict[str, Any]:
    """Cores as slots of the task's pool, and as requests of its pod where tasks run in pods."""
    args: dict[str, Any] = {}
    cores = resources.get("coresMin", resources.get("coresMax"))
    if cores is not None and cores > 1:
        if not math.isfinite(cores):
            raise FieldError(f"ResourceRequirement asks for {cores} cores, expected a number", "coresMin", cores)
        args["pool_slots"] = math.ceil(cores)
    if resources and _tasks_run_in_pods():
        args["executor_config"] = {"pod_override": _build_pod_override(resources)}
    return args


def _tasks_run_in_pods() -> bool:
    from airflow.configuration import conf

    return "Kubernetes" in conf.get("core", "executor", fallback="")


def _build_pod_override(resources: Mapping[str, Json]) -> Any:
    from kubernetes.client import models

    requests, limits = {}, {}
    for name, key, unit in (("cores", "cpu", ""), ("ram", "memory", "Mi")):
        if f"{name}Min" in resources:
            requests[key] = f"{resources[f'{name}Min']:g}{unit}"
        if f"{name}Max" in resources:
            limits[key] = f"{resources[f'{name}Max']:g}{unit}"
    container = models.V1Container(
        name="base", resources=models.V1ResourceRequirements(requests=requests, limits=limits)
    )
    return models.V1Pod(spec=models.V1PodSpec(containers=[container]))
