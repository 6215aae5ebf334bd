"""The folders that grow with each run: those of an Airflow by its settings, and those of a project."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_mlcraft import settings

if TYPE_CHECKING:
    from airflow_mlcraft.project.project_paths import Project

_PLACEHOLDER = re.compile(r"\{+ *(dag_id|run_id) *\}+")


@dataclass(frozen=True)
class Places:
    """The folders of one Airflow or of one project. What is None is not looked through."""

    name: str
    store: Path
    outputs: str = ""
    """A glob pattern that finds the output folder of each run."""
    cache: Path | None = None
    environments: Path | None = None
    spool: Path | None = None
    deployments: Path | None = None
    logs: Path | None = None
    repositories: tuple[Path, ...] = ()
    """Folders whose `.dvc` files name objects."""
    needed: tuple[Path, ...] = ()
    """Output folders that stay whatever their age."""
    in_airflow: bool = False
    """Whether the runs are in Airflow's database."""


def places_of_airflow() -> Places:
    """The folders that the section [mlcraft] names."""
    documents = (Path(_dags_folder()) / settings.get("documents")).expanduser()
    data = settings.get_path("data_repo") if settings.get("data_repo") else documents
    clones = settings.get_path("data_clones")
    pattern, placeholders = _PLACEHOLDER.subn("*", str(settings.get_path("outputs")))
    return Places(
        "Airflow",
        store=settings.get_path("store"),
        # A folder that all runs share has no run's name to judge by.
        outputs=pattern if placeholders else "",
        cache=settings.get_path("cache"),
        environments=settings.get_path("environments"),
        spool=settings.get_path("tracking_spool"),
        deployments=settings.get_path("deployments"),
        repositories=(data, *(clones.glob("*") if clones.is_dir() else ())),
        in_airflow=True,
    )


def places_of_project(project: Project) -> Places:
    """The folders of a project; those that all projects share belong to none of them."""
    from airflow_mlcraft.project.run_records import find_last_training

    last = find_last_training(project)
    return Places(
        project.name,
        store=project.store,
        outputs=str(project.runs / "*"),
        deployments=project.deployments,
        logs=project.logs,
        repositories=(project.folder,),
        # `evaluate` looks at the models of the last training.
        needed=(project.runs / last.run_id,) if last is not None else (),
    )


def shared_places(tracking: Path, environments: Path) -> Places:
    """What all projects share: the spool, and the Python environments."""
    return Places(
        "shared by projects", store=tracking / "store", spool=tracking / "tracking", environments=environments
    )


def _dags_folder() -> str:
    from airflow.configuration import conf

    return str(conf.get("core", "dags_folder"))
