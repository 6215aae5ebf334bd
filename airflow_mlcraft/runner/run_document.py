"""The run of one CWL document in the embedded Airflow: a real DAG run, with the same operators as on a server."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.errors import MlcraftError, UnsupportedError
from airflow_mlcraft.runner.home import prepare_embedded_airflow

if TYPE_CHECKING:
    from airflow_mlcraft.cwl.plan import Json, Plan
    from airflow_mlcraft.runner.events import LogSink, OnEvent, RunResult


# Limits the DagRun's configuration, because Airflow's scheduling reads it with each task instance.
MAX_CONF_BYTES = 4096


@dataclass(frozen=True)
class RunOptions:
    """Options of the run of a document."""

    outdir: Path
    containers: str = "auto"
    engine: str = "docker"
    pull: bool = True
    network: str = ""
    parallel: int = 0
    scratch: Path | None = None
    """The folder for the run's files while it runs; by default the system's folder for temporary files."""
    store: Path | None = None
    """The store of the run, which is kept; by default the run has a temporary one."""


class RunError(MlcraftError):
    """A failed run; the message has those of the tasks that failed."""

    def __init__(self, result: RunResult):
        messages = [f"{failure.task_id}: {failure.message}" for failure in result.failed]
        super().__init__("\n".join(messages) or result.reason or "the run failed")
        self.result = result

    @property
    def unsupported(self) -> bool:
        """Whether a task failed because the document needs an unsupported feature."""
        return any(failure.exception == "UnsupportedFailure" for failure in self.result.failed)


def use_embedded_airflow() -> None:
    """Make this process an embedded Airflow with the cache of plans in its home."""
    os.environ["AIRFLOW__MLCRAFT__CACHE"] = str(prepare_embedded_airflow() / "cache")


def load_plan(document: str, *, allowed_hosts: str = "", fuse: str = "", allow_development: bool = False) -> Plan:
    """The plan of a document (`path` or `path#id`), from the embedded Airflow's own cache.

    What is given replaces the settings `allowed_document_hosts`, `fuse` and `development_versions`.
    """
    use_embedded_airflow()
    if allowed_hosts:
        os.environ["AIRFLOW__MLCRAFT__ALLOWED_DOCUMENT_HOSTS"] = allowed_hosts
    if fuse:
        os.environ["AIRFLOW__MLCRAFT__FUSE"] = fuse
    if allow_development:
        os.environ["AIRFLOW__MLCRAFT__DEVELOPMENT_VERSIONS"] = "True"
    from airflow_mlcraft.layout.plan_cache import open_plan_cache

    path, _, fragment = document.partition("#")
    if not Path(path).is_file():
        raise MlcraftError(f"there is no document {path}")
    plan = open_plan_cache().get_plan(Path(path), fragment)
    _require_no_operations(plan)
    return plan


def load_cached_plan(digest: str, base: str, cache: str) -> Plan:
    """Load a plan from the cache of another Airflow home."""
    prepare_embedded_airflow()
    os.environ["AIRFLOW__MLCRAFT__CACHE"] = cache
    from airflow_mlcraft.layout.plan_cache import open_plan_cache

    return open_plan_cache().plan(digest, base)


def run_plan(
    plan: Plan,
    job: Mapping[str, Json],
    options: RunOptions,
    *,
    on_dag: Callable[[Any], None] | None = None,
    on_event: OnEvent | None = None,
    log: LogSink | None = None,
    on_result: Callable[[RunResult], None] | None = None,
) -> dict[str, Json]:
    """Run a plan; returns the output object, whose files are in `options.outdir`. Raises `RunError`.

    `on_result` is called with the result while the run's store still exists.
    """
    from airflow_mlcraft.cwl.inputs import check_choices
    from airflow_mlcraft.dag.cwl_dag import CwlDag
    from airflow_mlcraft.operators.xcom_overflow import to_xcom
    from airflow_mlcraft.runner.run_dag import run_dag
    from airflow_mlcraft.store.task_folders import remove_path

    check_choices(plan, job)
    store = options.store or Path(tempfile.mkdtemp(prefix="mlcraft-", dir=options.scratch))
    os.environ.update(_environment(options, store))
    try:
        dag = CwlDag.from_plan(plan, _dag_id(plan))
        if on_dag:
            on_dag(dag)
        conf = to_xcom(dict(job), MAX_CONF_BYTES)
        result = run_dag(dag, conf=conf, parallel=options.parallel, on_event=on_event, log=log)
        if on_result:
            on_result(result)
        if not result.ok:
            raise RunError(result)
        outputs: dict[str, Json] = result.xcom(dag.last.task_id)
        return outputs
    finally:
        if options.store is None:
            remove_path(store)


def _environment(options: RunOptions, store: Path) -> dict[str, str]:
    return {
        "AIRFLOW__MLCRAFT__STORE": str(store),
        "AIRFLOW__MLCRAFT__STORE_REMOTE": "",
        "AIRFLOW__MLCRAFT__OUTPUTS": str(options.outdir.absolute()),
        "AIRFLOW__MLCRAFT__OUTPUTS_WRITABLE": "True",
        "AIRFLOW__MLCRAFT__INPUT_FOLDER": str(Path.cwd()),
        "AIRFLOW__MLCRAFT__CONTAINERS": options.containers,
        "AIRFLOW__MLCRAFT__CONTAINER_ENGINE": options.engine,
        "AIRFLOW__MLCRAFT__CONTAINER_PULL": str(options.pull),
        "AIRFLOW__MLCRAFT__CONTAINER_NETWORK": options.network,
        # The store is removed with the run, so that tracked data would not exist afterwards.
        "AIRFLOW__MLCRAFT__TRACKING": "never",
    }


def _dag_id(plan: Plan) -> str:
    from airflow_mlcraft.layout.tasks import TaskIds

    return TaskIds().task(plan.root.id or Path(plan.document).stem)


def _require_no_operations(plan: Plan) -> None:
    """Raise for abstract Operations before the first step runs; they have nothing to run."""
    from airflow_mlcraft.cwl.plan import ToolRef, Workflow

    def find_operations(workflow: Workflow) -> list[str]:
        found = []
        for step in workflow.steps:
            if isinstance(step.run, ToolRef):
                found += [step.id] if step.run.kind == "Operation" else []
            else:
                found += find_operations(step.run)
        return found

    abstract = find_operations(plan.root)
    if abstract:
        raise UnsupportedError(
            f"step {', '.join(abstract)} is an abstract Operation, which has nothing to run", path=plan.document
        )
