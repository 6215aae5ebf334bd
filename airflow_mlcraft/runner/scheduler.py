"""The scheduler of one embedded run: Airflow decides which tasks can run, the workers run them."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Protocol

from airflow.utils.state import DagRunState, State, TaskInstanceState
from sqlalchemy import func, select, update

from airflow_mlcraft.adapters.airflow_core import TaskInstance, TaskReschedule, to_task_instance_id
from airflow_mlcraft.runner.events import TaskEvent, TaskFailure
from airflow_mlcraft.runner.task import Job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from airflow_mlcraft.adapters.airflow_core import DagRun
    from airflow_mlcraft.runner.events import OnEvent
    from airflow_mlcraft.runner.workers import Outcome

# States that are not reported: a task on its way to a worker.
UNREPORTED_STATES = frozenset({None, TaskInstanceState.SCHEDULED, TaskInstanceState.QUEUED})
# A task instance that was in one of these and is finished now was finished by Airflow's scheduling.
UNSTARTED_STATES = frozenset({None, TaskInstanceState.UP_FOR_RETRY, TaskInstanceState.UP_FOR_RESCHEDULE})
ACTIVE_STATES = (TaskInstanceState.QUEUED, TaskInstanceState.RUNNING)
# Each scheduling step takes time for every task instance of the run, so that one after each end of a task would take
# the square of a large scatter's size. While tasks run, scheduling takes this share of the time.
SCHEDULING_SHARE = 0.1
TI = TaskInstance


class Workers(Protocol):
    """What runs the jobs: a pool, or the process itself."""

    size: int
    # Workers in addition to `size`, for tasks that need one slot only.
    spare: int

    @property
    def jobs(self) -> list[Job]: ...

    def submit(self, job: Job, /) -> None: ...

    def wait(self, timeout: float | None, /) -> list[Outcome]: ...


class RunScheduler:
    """The scheduling of one run. `failures`: the last error of each task instance; `reason`: why the run was ended."""

    def __init__(self, run: DagRun, pool: Workers, session: Session, on_event: OnEvent | None) -> None:
        self.failures: dict[tuple[str, int], TaskFailure] = {}
        self.reason = ""
        self._rows: dict[tuple[str, int], Any] = {}
        self._order: list[tuple[str, int]] = []
        self._done = 0
        self._left: Counter[str] = Counter()
        self._next_scheduling = 0.0
        self._run = run
        self._dag: Any = run.dag
        self._pool = pool
        self._session = session
        self._on_event = on_event
        self._reported: dict[tuple[str, int], tuple[str, int]] = {}

    @property
    def rows(self) -> list[Any]:
        """All task instances as last read, the most urgent first."""
        return [self._rows[key] for key in self._order]

    def run_to_end(self) -> None:
        """Schedule and run tasks until the run is over."""
        while True:
            if not self._dispatch() or not self._pool.jobs or time.monotonic() >= self._next_scheduling:
                self._schedule()
                if self._run.state != DagRunState.RUNNING:
                    # A task's state is in the database a moment before its worker reports the outcome.
                    while self._pool.jobs:
                        self._collect_outcomes(None)
                    self._refresh()
                    return
                self._dispatch()
            wake = self._seconds_to_next_task()
            if not self._pool.jobs and wake is None:
                self.fail_run(self._describe_stuck_tasks())
                return
            self._collect_outcomes(None if wake is None else max(wake, self._next_scheduling - time.monotonic()))

    def fail_run(self, reason: str, jobs: Sequence[Job] = ()) -> None:
        """Mark the run and its active tasks as failed.

        `jobs` were ended from outside: they failed, even if one took the end of its tool for success.
        """
        self.reason = reason
        self._session.rollback()
        self._session.execute(
            update(TI)
            .where(TI.dag_id == self._run.dag_id, TI.run_id == self._run.run_id)
            .where(TI.state.in_(ACTIVE_STATES) | TI.id.in_([to_task_instance_id(job.id) for job in jobs]))
            .values(state=TaskInstanceState.FAILED, end_date=datetime.now(tz=timezone.utc))
            .execution_options(synchronize_session=False)
        )
        self._run.set_state(DagRunState.FAILED)
        self._session.merge(self._run)
        self._session.commit()
        self._refresh()

    def _schedule(self) -> None:
        """Run Airflow's scheduling until it changes no more states by itself."""
        started = time.monotonic()
        while self._advance():
            pass
        ended = time.monotonic()
        self._next_scheduling = ended + (ended - started) / SCHEDULING_SHARE

    def _advance(self) -> bool:
        """Run Airflow's scheduling once: trigger rules, mapping, retries, the state of the run.

        Returns whether it finished a task by itself: a task that was skipped may decide about the next one.
        """
        before = {key: row.state for key, row in self._rows.items()}
        self._session.expire_all()
        ready, _ = self._run.update_state(session=self._session)
        self._run.schedule_tis(ready, session=self._session)
        self._session.commit()
        self._refresh()
        return self._run.state == DagRunState.RUNNING and any(
            row.state in State.finished and before.get(key) in UNSTARTED_STATES for key, row in self._rows.items()
        )

    def _refresh(self) -> None:
        """Read the state of all task instances, and report changes."""
        rows = self._read(TI.priority_weight.desc(), TI.task_id, TI.map_index)
        self._rows = {(row.task_id, row.map_index): row for row in rows}
        self._order = list(self._rows)
        self._done = sum(row.state in State.finished for row in rows)
        self._left = Counter(row.task_id for row in rows if row.state not in State.finished)
        self._report_all(rows)

    def _refresh_some(self, ids: list[Any]) -> None:
        """Read the state of task instances that have ended, and report changes."""
        rows = self._read(only=TI.id.in_(ids))
        for row in rows:
            key = (row.task_id, row.map_index)
            before = self._rows.get(key)
            ended = (row.state in State.finished) - (before is not None and before.state in State.finished)
            self._done += ended
            self._left[row.task_id] -= ended
            self._rows[key] = row
        self._report_all(rows)

    def _read(self, *order: Any, only: Any = True) -> list[Any]:
        columns: list[Any] = [TI.id, TI.dag_id, TI.run_id, TI.task_id, TI.map_index, TI.state, TI.try_number]
        columns += [TI.start_date, TI.end_date, TI.dag_version_id, TI.pool_slots, TI.trigger_id]
        query: Any = select(*columns, TI.rendered_map_index)  # type: ignore[call-overload]
        of_run = query.where(TI.dag_id == self._run.dag_id, TI.run_id == self._run.run_id, only)
        rows = list(self._session.execute(of_run.order_by(*order)))
        self._session.commit()
        return rows

    def _report_all(self, rows: list[Any]) -> None:
        for row in rows:
            if row.state not in UNREPORTED_STATES:
                self._report(row, str(row.state), row.start_date, row.end_date)

    def _report(self, row: Any, state: str, started: datetime | None, ended: datetime | None) -> None:
        key, current = (row.task_id, row.map_index), (state, row.try_number)
        if self._on_event is None or self._reported.get(key) == current:
            return
        self._reported[key] = current
        failure = self.failures.get(key) if state == TaskInstanceState.FAILED else None
        self._on_event(
            TaskEvent(
                row.task_id,
                row.map_index,
                state,
                row.try_number,
                started,
                ended if state in State.finished else None,
                row.rendered_map_index,
                done=self._done,
                total=len(self._rows),
                left=self._left[row.task_id],
                message=failure.message if failure else "",
            )
        )

    def _dispatch(self) -> bool:
        """Submit scheduled tasks to workers, the most urgent first, as far as slots are free.

        Returns whether a task waits for a free slot.
        """
        running = self._pool.jobs
        submitted = {job.id for job in running}
        free_slots = min(self._pool.size + self._pool.spare, self._dag.max_active_tasks) - sum(
            job.slots for job in running
        )
        active = Counter(job.task_id for job in running)
        new_jobs = []
        has_waiting = False
        for row in self.rows:
            deferred = row.state == TaskInstanceState.DEFERRED
            if str(row.id) in submitted or (not deferred and row.state != TaskInstanceState.SCHEDULED):
                continue
            slots = min(row.pool_slots, self._pool.size)
            needed = slots if slots == 1 else slots + self._pool.spare
            if needed > free_slots or active[row.task_id] >= self._max_active_instances(row.task_id):
                has_waiting = True
                continue
            free_slots -= slots
            active[row.task_id] += 1
            new_jobs.append(
                Job(
                    str(row.id),
                    row.dag_id,
                    row.run_id,
                    row.task_id,
                    row.map_index,
                    row.try_number,
                    str(row.dag_version_id),
                    slots,
                    row.trigger_id if deferred else None,
                )
            )
            if not deferred:
                self._report(row, "running", datetime.now(tz=timezone.utc), None)
        self._mark_queued([to_task_instance_id(job.id) for job in new_jobs if job.trigger_id is None])
        for job in new_jobs:
            self._pool.submit(job)
        return has_waiting

    def _max_active_instances(self, task_id: str) -> int:
        task = self._dag.get_task(task_id)
        limits = [task.max_active_tis_per_dag, task.max_active_tis_per_dagrun]
        return min((limit for limit in limits if limit is not None), default=self._pool.size + self._pool.spare)

    def _mark_queued(self, ids: list[Any]) -> None:
        if not ids:
            return
        self._session.execute(
            update(TI)
            .where(TI.id.in_(ids))
            .values(state=TaskInstanceState.QUEUED, queued_dttm=datetime.now(tz=timezone.utc))
            .execution_options(synchronize_session=False)
        )
        self._session.commit()

    def _collect_outcomes(self, timeout: float | None) -> None:
        outcomes = self._pool.wait(timeout)
        for outcome in outcomes:
            self._record_outcome(outcome)
        if outcomes:
            self._refresh_some([to_task_instance_id(outcome.job.id) for outcome in outcomes])

    def _record_outcome(self, outcome: Outcome) -> None:
        """Record why a task failed; handle the death of a worker as Airflow's scheduler does."""
        job = outcome.job
        key = (job.task_id, job.map_index)
        if outcome.failure is not None:
            self.failures[key] = outcome.failure
        instance = self._session.get(TI, to_task_instance_id(job.id), populate_existing=True)
        if instance is not None and instance.state in ACTIVE_STATES:
            message = outcome.lost or "The task ended without saying how."
            self.failures.setdefault(key, TaskFailure(*key, message, "ProcessDied", temporary=True))
            instance.task = self._dag.get_task(job.task_id)
            instance.handle_failure(error=message, session=self._session)
        self._session.commit()

    def _seconds_to_next_task(self) -> float | None:
        """Seconds until the next retry or reschedule; None when no task waits for a time."""
        times: list[datetime] = []
        for row in self.rows:
            if row.state == TaskInstanceState.UP_FOR_RETRY:
                instance = self._session.get(TI, row.id)
                if instance is not None:
                    instance.task = self._dag.get_task(row.task_id)
                    times.append(instance.next_retry_datetime())  # type: ignore[no-untyped-call]
            elif row.state == TaskInstanceState.UP_FOR_RESCHEDULE:
                latest = func.max(TaskReschedule.reschedule_date)
                reschedule_date = self._session.scalar(select(latest).where(TaskReschedule.ti_id == row.id))
                times.append(reschedule_date or datetime.now(tz=timezone.utc))
        self._session.commit()
        if not times:
            return None
        return max(0.0, (min(times) - datetime.now(tz=timezone.utc)).total_seconds()) + 0.001

    def _describe_stuck_tasks(self) -> str:
        stuck = [row for row in self.rows if row.state not in State.finished]
        names = ", ".join(sorted({row.task_id for row in stuck}))
        if any(str(row.state) == "awaiting_input" for row in stuck):
            return f"These tasks wait for somebody's answer, which the embedded Airflow cannot take: {names}."
        return f"Nothing runs and nothing can start; these tasks are left over: {names}."
