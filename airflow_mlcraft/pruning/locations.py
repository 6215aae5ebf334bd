"""The folders that grow with each run: of an Airflow by its settings, and of a project."""

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
class Locations:
    """The folders of one Airflow or of one project. Folders that are None are not searched."""

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
    """Output folders that are never deleted."""
    in_airflow: bool = False
    """Whether the runs are in Airflow's database."""


def get_airflow_locations() -> Locations:
    """Return the folders in the settings of the section [mlcraft]."""
    documents = (Path(_dags_folder()) / settings.get("documents")).expanduser()
    data = settings.get_path("data_repo") if settings.get("data_repo") else documents
    clones = settings.get_path("data_clones")
    pattern, placeholders = _PLACEHOLDER.subn("*", str(settings.get_path("outputs")))
    return Locations(
        "Airflow",
        store=settings.get_path("store"),
        # A folder that all runs share cannot be judged by its age.
        outputs=pattern if placeholders else "",
        cache=settings.get_path("cache"),
        environments=settings.get_path("environments"),
        spool=settings.get_path("tracking_spool"),
        deployments=settings.get_path("deployments"),
        repositories=(data, *(clones.glob("*") if clones.is_dir() else ())),
        in_airflow=True,
    )


def get_project_locations(project: Project) -> Locations:
    """Return the folders of a project, without those that all projects share."""
    from airflow_mlcraft.project.run_records import find_last_training

    last = find_last_training(project)
    return Locations(
        project.name,
        store=project.store,
        outputs=str(project.runs / "*"),
        deployments=project.deployments,
        logs=project.logs,
        repositories=(project.folder,),
        # `evaluate` reads the models of the last training.
        needed=(project.runs / last.run_id,) if last is not None else (),
    )


def get_shared_locations(tracking: Path, environments: Path) -> Locations:
    """Return the folders that all projects share: the spool, and the Python environments."""
    return Locations(
        "shared by projects", store=tracking / "store", spool=tracking / "tracking", environments=environments
    )


def _dags_folder() -> str:
    from airflow.configuration import conf

    return str(conf.get("core", "dags_folder"))
