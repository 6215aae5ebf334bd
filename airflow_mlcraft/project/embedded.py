"""Runs of a project's documents by the embedded Airflow, with the project's settings, keys, store and logs."""

from __future__ import annotations

import contextlib
import json
import re
import secrets as random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.common.environment_variables import set_variables
from airflow_mlcraft.common.files import translate_os_errors
from airflow_mlcraft.common.python_environments import read_requirements
from airflow_mlcraft.errors import MlcraftError, ProjectError
from airflow_mlcraft.project import env_file
from airflow_mlcraft.project.manifest import Manifest, read_manifest
from airflow_mlcraft.project.project_paths import Project, projects_of
from airflow_mlcraft.project.user_dirs import environments_folder

if TYPE_CHECKING:
    from airflow_mlcraft.runner.events import RunResult, TaskEvent

DAGSHUB_TOKEN = "DAGSHUB_TOKEN"  # noqa: S105 - the name of the variable
_CONNECTION_ID = "mlcraft_dagshub"
_LINGER_SECONDS = "5"
_LIBRARIES = (
    "matplotlib.figure",
    "pandas",
    "pyarrow.parquet",
    "skops.io",
    "sklearn.compose",
    "sklearn.ensemble",
    "sklearn.inspection",
    "sklearn.linear_model",
    "sklearn.model_selection",
    "sklearn.neighbors",
    "sklearn.pipeline",
)
_STEP_PREFIX = re.compile(r"^(item \d+: )?(the tool of \S+ failed with exit code \d+: )?(mlcraft-step: )?")
"""The start of a failure message, which says how the step was run."""


@dataclass(frozen=True)
class RunCallbacks:
    """Functions that are called during a run. `on_event` also receives a function that reads XComs."""

    on_dag: Callable[[Any], None] = lambda _: None
    on_event: Callable[[TaskEvent, Callable[..., Any]], None] = lambda *_: None
    on_log: Callable[[str, str, str], None] = lambda *_: None


@dataclass(frozen=True)
class FinishedRun:
    """A run that has ended, with its result and outputs."""

    run_id: str
    result: RunResult
    outputs: Mapping[str, Any]
    seconds: float

    def error(self, items: Sequence[str] = ()) -> str:
        """The messages of failed tasks; `items` has the names of a mapped task's instances."""
        sentences = []
        for failure in self.result.failed:
            item = f" {items[failure.map_index]}" if 0 <= failure.map_index < len(items) else ""
            sentences.append(f"{failure.task_id}{item}: {_STEP_PREFIX.sub('', failure.message)}")
        return "\n".join(sentences) or self.result.reason or ("" if self.result.ok else "the run failed")


def new_run_id(verb: str) -> str:
    """A unique run id that sorts by time."""
    return f"{verb}_{time.strftime('%Y-%m-%d_%H-%M-%S')}_{random.token_hex(2)}"


def run_document(
    project: Project,
    manifest: Manifest,
    document: Path,
    inputs: Mapping[str, Any],
    *,
    run_id: str,
    listener: RunCallbacks,
    parallel: int = 0,
) -> FinishedRun:
    """Run a document of the project. After Ctrl-C all tasks are ended, and the run in MLflow has the status KILLED."""
    from airflow_mlcraft.runner.run_document import MAX_CONF_BYTES, load_plan

    start = time.monotonic()
    with project_environment(project, manifest, run_id), _open_log(project, run_id) as write_log:
        # Airflow is imported here, with these settings.
        plan = load_plan(str(document))
        from airflow_mlcraft.dag.cwl_dag import CwlDag
        from airflow_mlcraft.operators.xcom_overflow import to_xcom
        from airflow_mlcraft.runner.run_dag import read_xcoms, run_dag

        dag = CwlDag.from_plan(plan, str(plan.root.id))
        listener.on_dag(dag)

        def on_event(event: TaskEvent) -> None:
            listener.on_event(event, read_xcoms)

        def log(task: str, level: str, line: str) -> None:
            write_log(f"{time.strftime('%H:%M:%S')} [{task}] {level}: {line}\n")
            listener.on_log(task, level, line)

        conf = to_xcom(dict(inputs), MAX_CONF_BYTES)
        if not read_requirements(project.requirements):
            preload_libraries()
        try:
            result = run_dag(dag, conf=conf, parallel=parallel, on_event=on_event, log=log, run_id=run_id)
        except BaseException:
            _end_as_killed(str(dag.dag_id), run_id)
            raise
        outputs = result.xcom(dag.last.task_id) if result.ok else {}
        return FinishedRun(run_id, result, outputs or {}, time.monotonic() - start)


@contextlib.contextmanager
def project_environment(project: Project, manifest: Manifest, run_id: str = "") -> Iterator[None]:
    """Set the environment variables of a project, its settings and keys, within the context."""
    values = {
        **env_file.read_env_file(project),
        "AIRFLOW__MLCRAFT__STORE": str(project.store),
        "AIRFLOW__MLCRAFT__STORE_REMOTE": "",
        "AIRFLOW__MLCRAFT__STORE_CONN_ID": "",
        "AIRFLOW__MLCRAFT__OUTPUTS": str(project.runs / (run_id or "outputs")),
        "AIRFLOW__MLCRAFT__INPUT_FOLDER": str(project.folder),
        "AIRFLOW__MLCRAFT__DEPLOYMENTS": str(project.deployments),
        "AIRFLOW__MLCRAFT__ENVIRONMENTS": str(environments_folder()),
        "AIRFLOW__MLCRAFT__REUSE": "True",
        "AIRFLOW__MLCRAFT__DATA_REPO": str(project.folder),
        "AIRFLOW__MLCRAFT__TRACKING": "auto",
        "AIRFLOW__MLCRAFT__TRACKING_EXPERIMENT": project.name,
        "AIRFLOW__MLCRAFT__TRACKING_SPOOL": str(projects_of(project).tracking_folder / "tracking"),
        "AIRFLOW__MLCRAFT__TRACKING_LINGER": _LINGER_SECONDS,
        **tracking_environment(project, manifest),
    }
    with set_variables(values):
        yield


def tracking_environment(project: Project, manifest: Manifest) -> dict[str, str]:
    """Environment variables for a project's tracking: by an MLflow server, DagsHub, or a database beside the projects.

    Raises ProjectError if DagsHub is set without a token.
    """
    if not manifest.dagshub:
        return {"AIRFLOW__MLCRAFT__TRACKING_URI": manifest.tracking_uri, "AIRFLOW__MLCRAFT__TRACKING_CONN_ID": ""}
    token = env_file.read_env_file(project).get(DAGSHUB_TOKEN)
    if not token:
        raise ProjectError(
            f"runs of {project.name} go to DagsHub, and {project.secrets} has no {DAGSHUB_TOKEN}",
            f"give it with `mlcraft config {project.name} --key {DAGSHUB_TOKEN}`",
        )
    connection = {"conn_type": "mlflow", "password": token, "extra": {"dagshub": manifest.dagshub}}
    return {
        f"AIRFLOW_CONN_{_CONNECTION_ID.upper()}": json.dumps(connection),
        "AIRFLOW__MLCRAFT__TRACKING_CONN_ID": _CONNECTION_ID,
        "AIRFLOW__MLCRAFT__TRACKING_URI": "",
    }


@contextlib.contextmanager
def tracking_settings(project: Project | None) -> Iterator[None]:
    """Set the settings of a project and of the embedded Airflow in the context; None keeps the user's Airflow."""
    if project is None:
        yield
        return
    with project_environment(project, read_manifest(project)):
        from airflow_mlcraft.runner.run_document import use_embedded_airflow

        use_embedded_airflow()
        yield


def read_json_file(value: Any) -> Any:
    """The JSON content of a CWL File, in the store or on disk."""
    from airflow_mlcraft.operators.task_files import open_store
    from airflow_mlcraft.store.values import local_path, oid_of

    oid = oid_of(value)
    path = Path(open_store().path_of(oid)) if oid else Path(local_path(value))
    return json.loads(path.read_text("utf-8"))


def preload_libraries() -> None:
    """Import libraries of training in this process, so that the workers, which are forked from it, need not do it."""
    for name in _LIBRARIES:
        import_module(name)


@contextlib.contextmanager
def _open_log(project: Project, run_id: str) -> Iterator[Callable[[str], Any]]:
    """Open the log file of a run in the project's folder logs; yields its write function."""
    with translate_os_errors(project.logs):
        project.logs.mkdir(parents=True, exist_ok=True)
        stream = (project.logs / f"{run_id}.log").open("w", encoding="utf-8", buffering=1)
    with stream:
        yield stream.write


def _end_as_killed(dag_id: str, run_id: str) -> None:
    from airflow_mlcraft.hooks.mlflow import open_tracking
    from airflow_mlcraft.tracking.names import DagRunName

    with contextlib.suppress(MlcraftError):
        if (tracking := open_tracking()) is not None:
            tracking.end(DagRunName(dag_id, run_id), "KILLED")
