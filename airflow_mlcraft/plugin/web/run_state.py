"""The route of the states of a run's steps. Pages poll it: it needs two queries, and one for each fused task."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from fastapi import APIRouter, Depends, HTTPException
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from airflow_mlcraft.adapters.airflow_api import DagAccessEntity, SessionDep, requires_access_dag
from airflow_mlcraft.adapters.airflow_core import DagRun, TaskInstance
from airflow_mlcraft.layout.tasks import StepLayout, WorkflowLayout
from airflow_mlcraft.plugin.web.fused_states import Records, load_fused_records, summarize_records
from airflow_mlcraft.plugin.web.graph import plan_of_dag

router = APIRouter()
_WORST_FIRST = (
    "failed",
    "upstream_failed",
    # The run waits for a person's response.
    "awaiting_input",
    "up_for_retry",
    "up_for_reschedule",
    "running",
    "restarting",
    "deferred",
    "queued",
    "scheduled",
    "none",
    "success",
    "skipped",
    "removed",
)
_MAX_FAILED_ITEMS = 20
_LABEL: Any = TaskInstance.rendered_map_index


@dataclass
class TaskSummary:
    """The task instances of one or several tasks."""

    counts: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    starts: list[datetime] = field(default_factory=list)
    ends: list[datetime] = field(default_factory=list)
    failed: list[dict[str, Any]] = field(default_factory=list)

    def __add__(self, other: TaskSummary) -> TaskSummary:
        return TaskSummary(
            self.counts + other.counts,
            self.retries + other.retries,
            self.starts + other.starts,
            self.ends + other.ends,
            (self.failed + other.failed)[:_MAX_FAILED_ITEMS],
        )

    def to_json(self, counts: Counter[str] | None = None) -> dict[str, Any]:
        """The fields for the page. `counts` replaces the counts to show, and leaves the state as it is."""
        shown = self.counts if counts is None else counts
        # A state of a newer Airflow is shown by its own name, rather than as one of a task that has not started.
        unknown = [state for state, count in self.counts.items() if count and state not in _WORST_FIRST]
        state = next((state for state in (*unknown, *_WORST_FIRST) if self.counts[state]), "none")
        if state == "none" and self.counts["success"]:
            state = "running"
        ended = all(count == 0 for state, count in self.counts.items() if state not in _ENDED)
        return {
            "state": state,
            "counts": dict(shown),
            "retries": self.retries,
            **({"start": min(self.starts).isoformat()} if self.starts else {}),
            **({"end": max(self.ends).isoformat()} if self.ends and ended else {}),
            **({"failed": self.failed} if self.failed else {}),
        }


_ENDED = ("failed", "upstream_failed", "success", "skipped", "removed")


@router.get(
    "/dags/{dag_id}/runs/{run_id}/state",
    dependencies=[Depends(requires_access_dag("GET", DagAccessEntity.TASK_INSTANCE))],
)
def run_state(dag_id: str, run_id: str, session: SessionDep) -> dict[str, Any]:
    """The state of the run and of each step, by the keys of the graph."""
    run = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
    if run is None:
        raise HTTPException(404, f"There is no run {run_id} of {dag_id}")
    dag_plan = plan_of_dag(session, dag_id, run_id)
    layout = dag_plan.layout
    summaries = _load_summaries(session, dag_id, run_id)
    summaries |= _summarize_fused(load_fused_records(session, dag_id, run_id, layout.root))
    return {
        "state": str(getattr(run.state, "value", run.state)),
        "start": row_time_to_iso(run.start_date),
        "end": row_time_to_iso(run.end_date),
        "steps": dict(_step_states(layout.shown_root, summaries)),
    }


def _load_summaries(session: Session, dag_id: str, run_id: str) -> dict[str, TaskSummary]:
    of_run: Any = (TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id)
    rows = session.execute(
        select(
            TaskInstance.task_id,
            TaskInstance.state,
            func.count(),
            func.sum(case((TaskInstance.try_number > 1, TaskInstance.try_number - 1), else_=0)),
            func.min(TaskInstance.start_date),
            func.max(TaskInstance.end_date),
        )
        .where(*of_run)
        .group_by(TaskInstance.task_id, TaskInstance.state)
    )
    summaries: dict[str, TaskSummary] = defaultdict(TaskSummary)
    for task_id, state, count, retries, start, end in rows:
        summaries[task_id] += TaskSummary(
            Counter({_name(state): count}),
            int(retries or 0),
            [start] if start else [],
            [end] if end else [],
        )
    failed = session.execute(
        select(TaskInstance.task_id, TaskInstance.map_index, _LABEL)
        .where(*of_run, TaskInstance.state == "failed", TaskInstance.map_index >= 0)
        .order_by(TaskInstance.task_id, TaskInstance.map_index)
        .limit(50 * _MAX_FAILED_ITEMS)
    )
    for task_id, index, label in failed:
        if len(summaries[task_id].failed) < _MAX_FAILED_ITEMS:
            summaries[task_id].failed.append({"mapIndex": index, "label": label or str(index)})
    return summaries


def _summarize_fused(records: Records) -> dict[str, TaskSummary]:
    """The summaries of steps in fused tasks, by the keys of `_summary_key`."""
    summaries = {}
    for path, entries in records.items():
        failed = [
            {"mapIndex": entry["index"][-1], "label": str(entry["index"][-1])}
            for entry in entries
            if entry["state"] == "failed" and entry["index"]
        ]
        counts, starts, ends = summarize_records(entries)
        summaries[_FUSED + path] = TaskSummary(counts, 0, starts, ends, failed[:_MAX_FAILED_ITEMS])
    return summaries


_FUSED = "fused:"


def _summary_key(step_layout: StepLayout) -> str:
    """The key of a step's summary: its task, or for a step without one its path."""
    return step_layout.task_id if step_layout.has_task else _FUSED + step_layout.fused_path


def _step_states(
    workflow_layout: WorkflowLayout, summaries: dict[str, TaskSummary]
) -> Iterator[tuple[str, dict[str, Any]]]:
    prefix = "".join(f"{name}/" for name in workflow_layout.path)
    for step_layout in workflow_layout.steps.values():
        key = f"{prefix}step:{step_layout.step.id}"
        if step_layout.subworkflow is None:
            own = summaries.get(_summary_key(step_layout), TaskSummary())
            if step_layout.inside is not None and not step_layout.has_task:
                own = own + _summarize_inside(step_layout.inside, summaries)
            counts = own.counts
            if step_layout.has_task and step_layout.fused_path:
                # The items of a scatter or the iterations of a loop.
                counts = summaries.get(_FUSED + step_layout.fused_path, own).counts
            yield key, (own + _summarize_items(step_layout, summaries)).to_json(counts)
            if step_layout.inside is not None:
                yield from _step_states(step_layout.inside, summaries)
        else:
            yield (
                key,
                (
                    _summarize_workflow(step_layout.subworkflow, summaries) + _summarize_items(step_layout, summaries)
                ).to_json(),
            )
            yield from _step_states(step_layout.subworkflow, summaries)


def _summarize_workflow(workflow_layout: WorkflowLayout, summaries: dict[str, TaskSummary]) -> TaskSummary:
    total = (
        TaskSummary() if workflow_layout.is_scattered else summaries.get(workflow_layout.inputs_task_id, TaskSummary())
    )
    for step_layout in workflow_layout.steps.values():
        total += _summarize_items(step_layout, summaries)
        total += (
            _summarize_workflow(step_layout.subworkflow, summaries)
            if step_layout.subworkflow
            else summaries.get(step_layout.task_id, TaskSummary())
        )
    return total


def _summarize_inside(workflow_layout: WorkflowLayout, summaries: dict[str, TaskSummary]) -> TaskSummary:
    total = TaskSummary()
    for step_layout in workflow_layout.steps.values():
        total += summaries.get(_summary_key(step_layout), TaskSummary())
        if step_layout.inside is not None:
            total += _summarize_inside(step_layout.inside, summaries)
    return total


def _summarize_items(step_layout: StepLayout, summaries: dict[str, TaskSummary]) -> TaskSummary:
    return summaries.get(step_layout.items_task_id, TaskSummary()) if step_layout.items_task_id else TaskSummary()


def _name(state: Any) -> str:
    return "none" if state is None else str(getattr(state, "value", state))


def timestamp_to_iso(seconds: float) -> str:
    """Seconds since 1970 in ISO 8601."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat()


def row_time_to_iso(moment: datetime | None) -> str | None:
    """A time of a database row in ISO 8601; None when it is not set yet."""
    return moment.isoformat() if moment is not None else None
