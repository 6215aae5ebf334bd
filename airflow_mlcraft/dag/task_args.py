"""What a document's requirements and `mlcraft:` hints say about its tasks, as arguments of Airflow's operators."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from airflow_mlcraft.cwl.plan import Json, Step
from airflow_mlcraft.errors import DocumentError

_GRACE = 60.0
"""Seconds beyond a tool's own time limit: cwltool ends the tool with a sentence, Airflow would end the task."""


def _seconds(value: Json) -> timedelta:
    return timedelta(seconds=float(value))


_TASK_HINT: dict[str, tuple[str, Callable[[Json], Any]]] = {
    "retries": ("retries", int),
    "retryDelay": ("retry_delay", _seconds),
    "timeout": ("execution_timeout", _seconds),
    "queue": ("queue", str),
    "pool": ("pool", str),
    "poolSlots": ("pool_slots", int),
    "priority": ("priority_weight", int),
    "owner": ("owner", str),
    "maxActive": ("max_active_tis_per_dagrun", int),
}


def args_of_step(step: Step) -> dict[str, Any]:
    """The arguments of the task that runs a step."""
    args: dict[str, Any] = {}
    doc = "\n\n".join(text for text in (step.label, step.doc or _tool_doc(step)) if text)
    if doc:
        args["doc_md"] = doc
    if step.time_limit > 0:
        args["execution_timeout"] = _seconds(step.time_limit + _GRACE)
    args.update(_resources(step.resources or {}))
    args.update(read_hint("Task", (step.hints or {}).get("Task", {}), _TASK_HINT, step.id))
    return args


def args_of_group(step: Step) -> dict[str, Any]:
    """The arguments of the task group of a sub-workflow."""
    args = {"group_display_name": step.label or step.id}
    tooltip = step.doc or _tool_doc(step)
    return {**args, "tooltip": tooltip} if tooltip else args


def read_hint(
    name: str, hint: Mapping[str, Json], fields: Mapping[str, tuple[str, Callable[[Json], Any]]], where: str
) -> dict[str, Any]:
    """The fields of one of our hints as arguments; a field that is not ours is a mistake worth a sentence."""
    args = {}
    for key, value in hint.items():
        if key not in fields:
            known = ", ".join(sorted(fields))
            raise DocumentError(f"hint mlcraft:{name} of {where} has the field {key}; expected one of {known}")
        argument, convert = fields[key]
        try:
            args[argument] = convert(value)
        except (TypeError, ValueError) as error:
            raise DocumentError(
                f"hint mlcraft:{name} of {where}: {key} is {value!r}, which cannot be: {error}"
            ) from None
    return args


def _tool_doc(step: Step) -> str:
    return "\n\n".join(text for text in (step.run.label, step.run.doc) if text)


def _resources(resources: Mapping[str, Json]) -> dict[str, Any]:
    """Cores as slots of the task's pool, and as requests of its pod where tasks run in pods."""
    args: dict[str, Any] = {}
    cores = resources.get("coresMin", resources.get("coresMax"))
    if cores is not None and cores > 1:
        args["pool_slots"] = math.ceil(cores)
    if resources and _tasks_run_in_pods():
        args["executor_config"] = {"pod_override": _pod(resources)}
    return args


def _tasks_run_in_pods() -> bool:
    from airflow.configuration import conf

    return "Kubernetes" in conf.get("core", "executor", fallback="")


def _pod(resources: Mapping[str, Json]) -> Any:
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
