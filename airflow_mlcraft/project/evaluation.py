"""The verb `evaluate`: comparison of the last trained models by a metric; the best becomes the champion.

The scores of the training usually decide at once. A DAG run measures the models only if scores are missing, or if the
registry has another champion than the project.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import manifest as manifests
from airflow_mlcraft.project import run_records
from airflow_mlcraft.project.embedded import RunCallbacks, new_run_id, read_json_file, run_document
from airflow_mlcraft.project.manifest import Manifest
from airflow_mlcraft.project.project_paths import Project
from airflow_mlcraft.project.repository import read_head_commit
from airflow_mlcraft.project.run_records import RunRecord
from airflow_mlcraft.project.training import TrainingProgress, with_scores

EVALUATE = "evaluate"


def evaluate(project: Project, metric: str = "", *, progress: TrainingProgress | None = None) -> RunRecord:
    """Compare the last trained models and the champion on the test part. Returns and stores the run record."""
    progress = progress or TrainingProgress()
    manifest = manifests.read_manifest(project)
    if metric:
        validate_metric(manifest.prediction, metric)
    trained = run_records.find_last_training(project)
    if trained is None:
        raise ProjectError(
            f"{project.name} has no models to compare", f"train some with `mlcraft train {project.name}`"
        )
    # Without a metric in mlcraft.toml, the training has chosen one from the data.
    manifest = manifests.replace_values(manifest, metric=manifest.metric or trained.metric)
    metric_name = validate_metric(manifest.prediction, metric or manifest.metric)
    run_id = new_run_id(EVALUATE)
    record = replace(
        trained,
        run_id=run_id,
        verb=EVALUATE,
        started=datetime.now(tz=timezone.utc).isoformat(timespec="seconds"),
        metric=metric_name,
        set={"metric": metric_name, run_records.MODELS_OF: trained.run_id},
        commit=read_head_commit(project.folder),
        champion="",
        score=None,
        notes=(),
    )
    progress.begin_evaluation(f"{manifest.title}: {metric_name}", metric_name, trained.models)
    if scores_of_training := _evaluate_by_training_scores(project, manifest, trained, metric_name):
        start = time.monotonic()
        if reason := _set_champion(project, manifest, trained, scores_of_training, run_id, progress):
            progress.on_log(EVALUATE, "info", f"the models are compared by a run, because {reason}")
        else:
            seconds = round(time.monotonic() - start, 2)
            evaluated = with_scores(record, scores_of_training.scores)
            record = replace(evaluated, state="success", seconds=seconds, error="", outputs={})
            run_records.write_record(project, record)
            return record
    inputs: dict[str, Any] = {
        "models": [{"class": "Directory", "path": path} for path in trained.outputs["models"]],
        "test": {"class": "File", "path": trained.outputs["test"]},
        "train": {"class": "File", "path": trained.outputs["train"]},
        "metric": metric_name,
        "margin": manifest.margin,
        "seed": manifest.seed,
    }
    # The minimum is meant for the project's metric, so it does not apply to another.
    if manifest.minimum is not None and metric_name == manifest.metric:
        inputs["minimum"] = manifest.minimum
    listener = RunCallbacks(progress.on_dag, progress.on_event, progress.on_log)
    finished = run_document(project, manifest, project.tools / "evaluate.cwl", inputs, run_id=run_id, listener=listener)
    record = replace(
        record, state=finished.result.state, seconds=round(finished.seconds, 2), error=finished.error(), outputs={}
    )
    if finished.result.ok:
        record = with_scores(record, read_json_file(finished.outputs["scores"]))
    run_records.write_record(project, record)
    return record


@dataclass(frozen=True)
class _TrainingScores:
    """An evaluation in the form of scores.json, and the labels of the current and the new champion."""

    scores: dict[str, Any]
    current: str
    winner: str = ""


def _evaluate_by_training_scores(
    project: Project, manifest: Manifest, trained: RunRecord, metric_name: str
) -> _TrainingScores | None:
    """Evaluate by the scores.json of the training, which has all metrics of all models on the test part.

    None if these scores do not suffice.
    """
    from airflow_mlcraft.ml.baseline import is_baseline
    from airflow_mlcraft.ml.champion import CROSS_VALIDATION, Candidate, ChampionScore, choose_champion
    from airflow_mlcraft.ml.metrics import metric_for

    path = trained.outputs.get("scores")
    if not path or not Path(path).is_file():
        return None
    scores = json.loads(Path(path).read_bytes())
    current = _find_current_champion(project, trained, scores)
    new_models = [model for model in scores["models"] if model["role"] == "new"]
    if current is None or not all(metric_name in model["test"] for model in (current, *new_models)):
        return None
    # A champion that was trained on some test rows was scored on the others only, unlike the new models.
    if scores.get("chosen_on") != CROSS_VALIDATION or current.get("rows") != scores["rows"]:
        return None
    cv_scores = [model.get("cv", {}).get(metric_name, {}).get("mean") for model in new_models]
    if not any(score is not None for score in cv_scores):
        return None
    verdict = choose_champion(
        metric_for(manifest.prediction, metric_name),
        [
            Candidate(
                model["name"],
                score,
                model["test"][metric_name],
                model["test"][metric_name],
                is_baseline(str(model.get("class"))),
            )
            for model, score in zip(new_models, cv_scores, strict=True)
        ],
        today=ChampionScore(current["test"][metric_name]),
        # The minimum is meant for the project's metric, so it does not apply to another.
        minimum=manifest.minimum if metric_name == manifest.metric else None,
        margin=manifest.margin,
    )
    # The champion usually is one of these models, and then is listed twice, as in an evaluation by a run.
    name = re.sub(r"^champion \((.*)\)$| \(\d+\)$", r"\1", current["name"])
    champion = {**current, "name": f"champion ({name})", "role": "champion"}
    winner = "" if verdict.winner is None else str(new_models[verdict.winner]["name"])
    decision = {
        "metric": metric_name,
        "metric_reason": "",
        "winner": winner or champion["name"],
        "kept": verdict.kept,
        "why": f"{verdict.reason}, by the scores of run {trained.short_id}",
        "gates": [asdict(gate) for gate in verdict.gates],
        "comparison": None,
        "notes": [],
    }
    others = [model for model in scores["models"] if model["role"] not in ("new", "champion")]
    return _TrainingScores({**scores, **decision, "models": [*new_models, champion, *others]}, current["name"], winner)


def _set_champion(  # noqa: PLR0917
    project: Project,
    manifest: Manifest,
    trained: RunRecord,
    scores_of_training: _TrainingScores,
    run_id: str,
    progress: TrainingProgress,
) -> str:
    """Make the winner the champion, unless it is already. Returns the reason if this needs a DAG run."""
    from airflow_mlcraft.project.set_champion import set_champion_without_run

    if not scores_of_training.winner:
        return ""
    labels = _number_duplicates([model.name for model in trained.models])
    folders = dict(zip(labels, map(Path, trained.outputs["models"]), strict=False))
    winner = folders.get(scores_of_training.winner)
    current = folders.get(scores_of_training.current, project.champion)
    for folder in (winner, current):
        if folder is None or not (folder / "MLmodel").is_file():
            return f"the files of a model are not there: {folder or scores_of_training.winner}"
    return set_champion_without_run(
        project,
        manifest,
        run_id,
        scores_of_training.scores,
        winner=folders[scores_of_training.winner],
        current=current,
        report=lambda level, line: progress.on_log(EVALUATE, level, line),
    )


def _find_current_champion(project: Project, trained: RunRecord, scores: dict[str, Any]) -> dict[str, Any] | None:
    """The current champion with its scores, from the training or a later evaluation; None if it is not certain."""
    by_name = {model["name"]: model for model in scores["models"]}
    current = by_name.get(scores["winner"] or "")
    runs = run_records.load_records(project)
    for run in runs[runs.index(trained) + 1 :]:
        if not run.ok:
            continue
        if run.verb != EVALUATE or run.set.get(run_records.MODELS_OF) != trained.run_id:
            # Another training, here or on a server, may have a champion that these scores lack.
            return None
        if not run.kept:
            labels = _number_duplicates([model.name for model in run.models])
            current = next((by_name.get(label) for label, model in zip(labels, run.models) if model.winner), None)  # noqa: B905
    return current


def _number_duplicates(names: list[str]) -> list[str]:
    """The labels of models as in scores.json: a repeated name is numbered."""
    return [
        name if (number := names[: index + 1].count(name)) == 1 else f"{name} ({number})"
        for index, name in enumerate(names)
    ]


def validate_metric(prediction: str, name: str) -> str:
    """The canonical name of a metric for this prediction type. Raises StepError with the list of metrics for others."""
    from airflow_mlcraft.ml.metrics import metric_for

    return metric_for(prediction, name).name
