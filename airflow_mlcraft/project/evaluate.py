"""`evaluate`: the models of the last run again, by a metric of choice; the best becomes the champion."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import manifest as manifests
from airflow_mlcraft.project import records
from airflow_mlcraft.project.embedded import Listener, new_run_id, read_file, run_document
from airflow_mlcraft.project.places import Project
from airflow_mlcraft.project.records import RunRecord
from airflow_mlcraft.project.repository import commit_of
from airflow_mlcraft.project.train import Watch, with_scores

EVALUATE = "evaluate"


def evaluate(project: Project, metric: str = "", *, watch: Watch | None = None) -> RunRecord:
    """Compare the models that were trained last with each other and with the champion, on the test part."""
    watch = watch or Watch()
    manifest = manifests.read(project)
    wanted = checked_metric(manifest.prediction, metric or manifest.metric)
    before = records.last_models(project)
    if before is None:
        raise ProjectError(
            f"{project.name} has no models to compare", f"train some with `mlcraft train {project.name}`"
        )
    run_id = new_run_id(EVALUATE)
    record = replace(
        before,
        run_id=run_id,
        verb=EVALUATE,
        started=datetime.now(tz=timezone.utc).isoformat(timespec="seconds"),
        metric=wanted,
        set={"metric": wanted, records.MODELS_OF: before.run_id},
        commit=commit_of(project.folder),
        champion="",
        score=None,
    )
    watch.begin_other(f"{manifest.title}: {wanted}", wanted, before.models)
    job: dict[str, Any] = {
        "models": [{"class": "Directory", "path": path} for path in before.outputs["models"]],
        "test": {"class": "File", "path": before.outputs["test"]},
        "train": {"class": "File", "path": before.outputs["train"]},
        "metric": wanted,
        "margin": manifest.margin,
        "seed": manifest.seed,
    }
    # The gate is of the project's own metric; by another it would have another value.
    if manifest.minimum is not None and wanted == manifest.metric:
        job["minimum"] = manifest.minimum
    listener = Listener(watch.on_dag, watch.on_event, watch.on_log)
    finished = run_document(project, manifest, project.tools / "evaluate.cwl", job, run_id=run_id, listener=listener)
    record = replace(
        record, state=finished.result.state, seconds=round(finished.seconds, 2), error=finished.error(), outputs={}
    )
    if finished.result.ok:
        record = with_scores(record, read_file(finished.outputs["scores"]))
    records.remember(project, record)
    return record


def checked_metric(prediction: str, name: str) -> str:
    """A metric of this type of prediction; another is refused with the list."""
    from airflow_mlcraft.ml.metrics import metric_for

    return metric_for(prediction, name).name
