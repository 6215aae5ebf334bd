"""Change of the champion without a DAG run: a version in the repository and one in MLflow.

In a DAG run the tasks `evaluate` and `version_data` do the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.project.embedded import project_environment
from airflow_mlcraft.project.manifest import Manifest
from airflow_mlcraft.project.project_paths import Project

if TYPE_CHECKING:
    from airflow_mlcraft.store.store import Store
    from airflow_mlcraft.tracking.client import TrackingClient

SCORES_PATH = "reports/scores.json"
_DAG_ID = "evaluate"
"""The name in MLflow of a comparison of a project's models, with or without a DAG run."""
_FLUSH_SECONDS = 60.0


def set_champion_without_run(
    project: Project,
    manifest: Manifest,
    run_id: str,
    scores: Mapping[str, Any],
    *,
    winner: Path,
    current: Path,
    report: Callable[[str, str], None],
) -> str:
    """Replace the champion in the folder `current` by the model in the folder `winner`.

    Returns the reason if this needs a DAG run, because the registry and the project differ; nothing is changed then.
    `report` receives a log level and a sentence.
    """
    with project_environment(project, manifest, run_id):
        from airflow_mlcraft.hooks.mlflow import open_tracking
        from airflow_mlcraft.operators.task_files import open_store

        store, tracking = open_store(), open_tracking()
        if tracking is None:
            return "runs are not tracked"
        content = store.add_folder(winner)
        if reason := _find_obstacle(tracking, project.name, content, store.add_folder(current)):
            return reason
        _version_files(project, run_id, store, content, scores, report)
        _register(tracking, project.name, run_id, content, scores)
        if unsent := tracking.flush(_FLUSH_SECONDS):
            report("warning", f"MLflow does not answer: {unsent} runs are kept, and sent with the next command")
    return ""


def _find_obstacle(tracking: TrackingClient, name: str, winner: str, current: str) -> str:
    from airflow_mlcraft.tracking import tags

    try:
        api = tracking.api()
        champion = tracking.get_champion(name)
        if champion is None or champion.tags.get(tags.CONTENT) != current:
            return f"the champion of {name} in MLflow is not the one of the last training or evaluation"
        experiment = api.find_experiment(tracking.experiment)
        if not experiment or not any(model.ready for model in api.find_models(experiment, winner)):
            return "MLflow does not have the new champion"
    except MlcraftError as error:
        return f"MLflow cannot be asked: {error}"
    return ""


def _version_files(  # noqa: PLR0917
    project: Project,
    run_id: str,
    store: Store,
    content: str,
    scores: Mapping[str, Any],
    report: Callable[[str, str], None],
) -> None:
    import logging

    from airflow_mlcraft.hooks.dvc import open_versioning
    from airflow_mlcraft.store.values import STORE
    from airflow_mlcraft.versioning.targets import to_dvc_data

    scores_id = store.add_bytes((json.dumps(scores, indent=2) + "\n").encode())
    values = {
        project.champion: {"class": "Directory", "location": STORE + content, "basename": "champion"},
        project.folder / SCORES_PATH: {
            "class": "File",
            "location": STORE + scores_id,
            "basename": "scores.json",
        },
    }
    versioned = {
        str(path.relative_to(project.folder)): to_dvc_data(store, value, path.name) for path, value in values.items()
    }
    data = {path: item for path, item in versioned.items() if item is not None}

    def log_line(level: int, line: str) -> None:
        report("warning" if level >= logging.WARNING else "info", line)

    version = open_versioning(project.folder, log_line).version_data(
        data, store, message_fields={"DAG": _DAG_ID, "Run": run_id, "Document": "evaluate.cwl"}
    )
    if version.refusal:
        report("warning", version.refusal)


def _register(tracking: TrackingClient, name: str, run_id: str, content: str, scores: Mapping[str, Any]) -> None:
    from airflow_mlcraft.tracking.names import DagRunName, StepName

    dag_run = DagRunName(_DAG_ID, run_id)
    best = next(model for model in scores["models"] if model["name"] == scores["winner"])
    tracking.begin(dag_run, params={"metric": scores["metric"]})
    with tracking.step(StepName(dag_run, _DAG_ID)) as run:
        run.params({"metric": scores["metric"], "champion": scores["winner"], "champion_kept": False})
        run.metrics({metric: value for metric, value in best["test"].items() if value is not None})
        run.text(json.dumps(scores, indent=2), "scores.json")
        run.register(name, content=content, champion=True)
    tracking.end(dag_run)
