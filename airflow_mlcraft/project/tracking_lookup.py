"""Lookup of a project's models, runs and code for the verbs `trace` and `reproduce`."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import manifest as manifests
from airflow_mlcraft.project import run_records
from airflow_mlcraft.project.embedded import project_environment
from airflow_mlcraft.project.evaluation import EVALUATE
from airflow_mlcraft.project.history import find_run, list_runs
from airflow_mlcraft.project.own_code import get_diffstat, list_code_files
from airflow_mlcraft.project.project_paths import Project, Projects


def find_project_of_model(text: str, projects: Projects) -> Project | None:
    """The project with the name of a model (`iris`, `iris@champion`, `models:/iris/2`); None if there is none."""
    name = re.split("[@/]", text.removeprefix("models:/"))[0]
    return next((project for project in projects.all() if project.name == name), None)


def find_dag_run(project: Project, name: str) -> tuple[str, str]:
    """The ids of DAG and DAG run of a run; without a name, of the last successful training."""
    runs = list_runs(project)
    trained = [run for run in runs if run.ok and run.verb == run_records.TRAIN and not run.server]
    if not name and not trained:
        raise ProjectError(
            f"no run of {project.name} has ended well here", f"make one with `mlcraft train {project.name}`"
        )
    record = find_run(project, runs, name) if name else trained[-1]
    if record.server:
        raise ProjectError(f"{record.run_id} was a run of the Airflow at {record.server}", "reproduce it there")
    if record.verb == EVALUATE:
        return EVALUATE, record.run_id
    if record.dag:
        return record.dag, record.run_id
    return (f"{project.name}_tuned" if run_records.TUNE in record.set else project.name), record.run_id


@dataclass(frozen=True)
class RunCode:
    """The project's own code in a run."""

    commit: str
    dirty: str
    files: list[str]
    changed_since: list[str]
    """The diffstat of files that have changed since the run."""


def find_code(project: Project, run_id: str) -> RunCode | None:
    """The code of a run; None without a record of the run, or of its code."""
    record = next((run for run in run_records.load_records(project) if run.run_id == run_id), None)
    if record is None or not record.code:
        return None
    return RunCode(record.code, record.dirty, list_code_files(project, record.code), get_diffstat(project, record.code))


@contextlib.contextmanager
def tracking_settings(project: Project | None) -> Iterator[None]:
    """Set the settings of a project and of the embedded Airflow in the context; None keeps the user's Airflow."""
    if project is None:
        yield
        return
    with project_environment(project, manifests.read_manifest(project)):
        from airflow_mlcraft.runner.run_document import use_embedded_airflow

        use_embedded_airflow()
        yield
