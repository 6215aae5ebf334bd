"""The verb `list`: an overview of each project."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.project import manifest, run_records
from airflow_mlcraft.project.project_paths import Project, Projects
from airflow_mlcraft.project.serve import deployment_folder
from airflow_mlcraft.serving.process import local_server


@dataclass(frozen=True)
class Champion:
    """The best model with its metric and score."""

    model: str
    metric: str
    score: float | None


@dataclass(frozen=True)
class Overview:
    """A row of the list. `fault` is the reason why the other fields are empty."""

    name: str
    title: str = ""
    prediction: str = ""
    last_run: str = ""
    last_state: str = ""
    champion: Champion | None = None
    server: str = ""
    fault: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def list_overviews(projects: Projects) -> list[Overview]:
    """The overviews of all projects, sorted by name."""
    return [build_overview(project) for project in projects.all()]


def build_overview(project: Project) -> Overview:
    """The overview of a project; for one whose manifest is invalid, its name and the fault."""
    try:
        project_manifest = manifest.read_manifest(project)
    except MlcraftError as error:
        return Overview(project.name, fault=str(error))
    runs = run_records.load_records(project)
    server = local_server.find_running(deployment_folder(project))
    return Overview(
        project.name,
        project_manifest.title,
        project_manifest.prediction,
        runs[-1].started if runs else "",
        runs[-1].state if runs else "",
        read_champion(project),
        server.url if server else "",
    )


def read_champion(project: Project) -> Champion | None:
    """Read the champion from the project's files, with its score by the last requested metric; None without champion.

    An evaluation that keeps the champion does not change the files, which have all metrics.
    """
    try:
        card = json.loads((project.champion / "model.json").read_text("utf-8"))
        scores = json.loads(project.scores.read_text("utf-8"))
        winner: dict[str, Any] = next((model for model in scores["models"] if model["name"] == scores["winner"]), {})
        measured = winner.get("test", {})
        requested = next(
            (run.metric for run in reversed(run_records.load_records(project)) if run.ok and run.champion), ""
        )
        metric = requested if requested in measured else scores["metric"]
        return Champion(str(card["name"]), metric, measured.get(metric))
    except (OSError, ValueError, KeyError, TypeError):
        return None
