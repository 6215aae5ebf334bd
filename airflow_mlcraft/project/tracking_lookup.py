"""Where a project's models and runs are tracked, for `trace` and `reproduce`, which look there."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import manifest as manifests
from airflow_mlcraft.project import run_records
from airflow_mlcraft.project.embedded import environment
from airflow_mlcraft.project.evaluation import EVALUATE
from airflow_mlcraft.project.history import history, named
from airflow_mlcraft.project.own_code import diffstat, files_of
from airflow_mlcraft.project.project_paths import Project, Projects


def project_named_in(text: str, projects: Projects) -> Project | None:
    """The project whose name a model has (`iris`, `iris@champion`, `models:/iris/2`); None where there is none."""
    name = re.split("[@/]", text.removeprefix("models:/"))[0]
    return next((project for project in projects.all() if project.name == name), None)


def run_of(project: Project, name: str) -> tuple[str, str]:
    """The ids of the DAG and of the DAG run of a run; of the last training that ended well when none is named."""
    every = history(project)
    trained = [run for run in every if run.ok and run.verb == run_records.TRAIN and not run.server]
    if not name and not trained:
        raise ProjectError(
            f"no run of {project.name} has ended well here", f"make one with `mlcraft train {project.name}`"
        )
    found = named(project, every, name) if name else trained[-1]
    if found.server:
        raise ProjectError(f"{found.run_id} was a run of the Airflow at {found.server}", "reproduce it there")
    if found.verb == EVALUATE:
        return EVALUATE, found.run_id
    if found.dag:
        return found.dag, found.run_id
    return (f"{project.name}_tuned" if run_records.TUNE in found.set else project.name), found.run_id


@dataclass(frozen=True)
class Code:
    """The project's own code as it was in a run."""

    commit: str
    dirty: str
    files: list[str]
    changed_since: list[str]
    """A line of a diffstat for each file that is not as it was."""


def code_of(project: Project, run_id: str) -> Code | None:
    """The code of a run; None where the run is not remembered, or has kept none."""
    record = next((run for run in run_records.runs_of(project) if run.run_id == run_id), None)
    if record is None or not record.code:
        return None
    return Code(record.code, record.dirty, files_of(project, record.code), diffstat(project, record.code))


@contextlib.contextmanager
def looking_at(project: Project | None) -> Iterator[None]:
    """The settings of a project and of the embedded Airflow; without a project, those of the user's Airflow."""
    if project is None:
        yield
        return
    with environment(project, manifests.read(project)):
        from airflow_mlcraft.runner.run_document import become_embedded

        become_embedded()
        yield
