"""`run_dag`: one DAG run in the embedded Airflow, from start to end, also when it ends by Ctrl-C or SIGTERM."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.adapters.airflow_core import open_session
from airflow_mlcraft.common.cores import count_cores
from airflow_mlcraft.runner import database, logs
from airflow_mlcraft.runner.events import RunResult, TaskFailure
from airflow_mlcraft.runner.home import current_home

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_mlcraft.runner.events import LogSink, OnEvent, XComReader
    from airflow_mlcraft.runner.scheduler import RunScheduler

# Workers in addition to one per core.
SPARE_WORKERS = 2


def run_dag(
    dag: Any,
    *,
    conf: dict[str, Any] | None = None,
    parallel: int = 0,
    on_event: OnEvent | None = None,
    log: LogSink | None = None,
    run_id: str | None = None,
    keep: Path | None = None,
) -> RunResult:
    """Run a DAG as a DagRun in a temporary database, with at most `parallel` tasks at a time.

    With 0, as many tasks as there are cores, and two more of those that need one core, because some tasks always wait
    for their tools to start or to end. A failed run is a result, not an exception. Ctrl-C and SIGTERM end all tasks,
    then propagate as KeyboardInterrupt and SystemExit. `keep` names a folder that holds the database afterwards.
    """
    home = current_home()
    started = time.monotonic()
    logs.set_sink(log)
    try:
        with database.copy_for_run(home, keep), sigterm_as_exit():
            scheduler, state, run_id = _run(dag, conf, parallel, on_event, run_id)
            xcom = read_xcoms()
    finally:
        logs.set_sink(None)
    failed = tuple(
        scheduler.failures.get(key) or TaskFailure(*key, "The task failed, its log says why.", "")
        for key in [(row.task_id, row.map_index) for row in scheduler.rows if row.state == "failed"]
    )
    return RunResult(state, run_id, failed, xcom, time.monotonic() - started, scheduler.reason)


@contextmanager
def sigterm_as_exit() -> Iterator[None]:
    """Raise SystemExit at SIGTERM within the block, so that a run is cleaned up as after Ctrl-C.

    Does nothing outside of the main thread, which gets no signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def exit_process(number: int, frame: Any) -> None:
        raise SystemExit(128 + number)

    previous = signal.signal(signal.SIGTERM, exit_process)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _run(
    dag: Any, conf: dict[str, Any] | None, parallel: int, on_event: OnEvent | None, run_id: str | None
) -> tuple[RunScheduler, str, str]:
    from airflow_mlcraft.runner.workers import Pool

    with Pool(parallel or count_cores(), dag, 0 if parallel else SPARE_WORKERS) as pool, open_session() as session:
        from airflow_mlcraft.runner.database import register_run
        from airflow_mlcraft.runner.scheduler import RunScheduler

        run = register_run(dag, conf=conf, run_id=run_id, session=session)
        scheduler = RunScheduler(run, pool, session, on_event)
        try:
            scheduler.run_to_end()
        except BaseException:
            jobs = pool.jobs
            pool.stop()
            scheduler.fail_run("The run was interrupted.", jobs)
            raise
        return scheduler, str(run.state), run.run_id


def read_xcoms() -> XComReader:
    """Read all XComs of the run in their stored form, before the database is removed."""
    from sqlalchemy import select

    from airflow_mlcraft.adapters.airflow_core import XComModel, create_session

    with create_session() as session:
        rows = session.execute(select(XComModel.task_id, XComModel.map_index, XComModel.key, XComModel.value)).all()
    stored = {(row.task_id, row.map_index, row.key): row for row in rows}

    def read(task_id: str, map_index: int = -1, key: str = "return_value") -> Any:
        from airflow_mlcraft.adapters.airflow_sdk import deserialize_xcom

        row = stored.get((task_id, map_index, key))
        return None if row is None else deserialize_xcom(row)

    return read
