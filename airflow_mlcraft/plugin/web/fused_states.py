"""The states of steps without tasks of their own: those of fused tasks, which push them as an XCom."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from sqlalchemy.orm import Session

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.layout.tasks import StepLayout, WorkflowLayout
from airflow_mlcraft.operators.values import FUSED_STEPS
from airflow_mlcraft.operators.xcom_overflow import from_xcom
from airflow_mlcraft.plugin.web.xcom_values import XComPuller

Records = Mapping[str, list[dict[str, Any]]]
"""The runs of each step of fused tasks, by the path of the step."""


def load_fused_records(session: Session, dag_id: str, run_id: str, root: WorkflowLayout) -> Records:
    """The records of all fused tasks of a run."""
    records: dict[str, list[dict[str, Any]]] = defaultdict(list)
    puller = XComPuller(session, dag_id, run_id, None)
    for task_id in sorted({step_layout.task_id for step_layout in _iterate_fused(root)}):
        value = puller.xcom_pull(task_id, key=FUSED_STEPS)
        for pushed in _instances(value):
            try:
                entries = from_xcom(pushed) or []
            except (MlcraftError, OSError):
                continue  # in a store that this server does not have
            for entry in entries:
                records[entry["path"]].append(entry)
    return records


def summarize_records(entries: list[dict[str, Any]]) -> tuple[Counter[str], list[datetime], list[datetime]]:
    """How many runs of a step are in which state, and when they began and ended."""
    counts = Counter(entry["state"] for entry in entries)
    starts, ends = ([_to_time(entry[name]) for entry in entries if entry.get(name)] for name in ("start", "end"))
    return counts, starts, ends


def _instances(value: Any) -> list[Any]:
    """The XComs of all instances: a fused task in a scatter has several, each a list of records or a reference."""
    if value is None:
        return []
    is_one = isinstance(value, dict) or (value and isinstance(value[0], dict) and "path" in value[0])
    return [value] if is_one else list(value)


def _iterate_fused(workflow_layout: WorkflowLayout) -> Iterator[StepLayout]:
    for step_layout in workflow_layout.steps.values():
        if step_layout.step.fused:
            yield step_layout
        elif step_layout.subworkflow is not None:
            yield from _iterate_fused(step_layout.subworkflow)


def _to_time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)
