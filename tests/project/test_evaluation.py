"""Which metrics decide, of which type of prediction."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.project import run_records
from airflow_mlcraft.project.evaluation import evaluate, validate_metric
from airflow_mlcraft.project.project_paths import Project
from airflow_mlcraft.project.run_records import ModelScore, RunRecord
from airflow_mlcraft.project.training import with_scores


def record_training(project: Project, scores: dict[str, Any], **more: Any) -> RunRecord:
    """The record of a training, with its files."""
    folder = project.folder / "outputs"
    (folder / "models").mkdir(parents=True)
    (folder / "test.parquet").touch()
    (folder / "scores.json").write_text(json.dumps(scores))
    paths = {
        "models": [str(folder / "models")],
        "test": str(folder / "test.parquet"),
        "train": str(folder / "test.parquet"),
        "scores": str(folder / "scores.json"),
    }
    models = tuple(ModelScore(model["name"].partition(" (")[0]) for model in scores["models"])
    record = RunRecord("train_1", "train", "2026-01-01T00:00:00", 1.0, "success", "acc", models=models, outputs=paths)
    record = replace(with_scores(record, scores), **more)
    run_records.write_record(project, record)
    return record


def scores_of(winner: str, kept: bool = False, **models: tuple[float, float]) -> dict[str, Any]:
    found = [
        {
            "name": name.replace("_2", " (2)"),
            "role": "new",
            "class": "x.Y",
            "rows": 20,
            "test": {"acc": acc, "recall": recall},
            "cv": {"acc": {"mean": acc}, "recall": {"mean": recall}},
        }
        for name, (acc, recall) in models.items()
    ]
    chosen = {"rows": 20, "chosen_on": "cross-validation"}
    return {**chosen, "metric": "acc", "winner": winner, "kept": kept, "why": "", "models": found}


def test_scores_that_are_known_need_no_run(project: Project) -> None:
    """There are no documents by which there could be one."""
    shutil.rmtree(project.tools)
    before = record_training(project, scores_of("tree (2)", tree=(0.8, 0.7), tree_2=(0.9, 0.95), bayes=(0.85, 0.9)))
    found = evaluate(project, "recall")
    assert (found.state, found.metric, found.champion, found.score, found.kept) == (
        "success",
        "recall",
        "tree",
        0.95,
        True,
    )
    why = "tree (2) is the best new model, but its recall of 0.95 only equals the champion's"
    assert found.why == f"{why}, by the scores of run 1"
    assert [model.test["recall"] for model in found.models] == [0.7, 0.95, 0.9]
    assert found.set == {"metric": "recall", "models_of": before.run_id}
    assert run_records.load_records(project)[-1] == found
    again = evaluate(project, "recall")
    assert (again.champion, again.score) == ("tree", 0.95)


@pytest.mark.parametrize("why", ["another wins", "trained since", "not measured", "evaluated since", "fewer rows"])
def test_what_could_crown_another_model_is_run(project: Project, why: str) -> None:
    shutil.rmtree(project.tools)
    scores = scores_of("tree", tree=(0.9, 0.7 if why == "another wins" else 0.95), bayes=(0.85, 0.9))
    if why == "not measured":
        del scores["models"][1]["test"]["recall"]
    if why == "fewer rows":
        scores["models"][0]["rows"] = 12
    before = record_training(project, scores)
    later: dict[str, Any] = {"started": "2026-01-02T00:00:00", "run_id": "later"}
    if why == "trained since":
        run_records.write_record(project, replace(before, outputs={}, server="http://airflow.example", **later))
    if why == "evaluated since":
        crowned = tuple(replace(model, winner=model.name == "bayes") for model in before.models)
        given = {"metric": "f1", "models_of": before.run_id}
        run_records.write_record(
            project, replace(before, verb="evaluate", models=crowned, set=given, outputs={}, **later)
        )
    # By a process that has not loaded Airflow with another home.
    code = (
        "import sys\nfrom pathlib import Path\nfrom airflow_mlcraft.project.evaluation import evaluate\n"
        "from airflow_mlcraft.project.project_paths import Project\nevaluate(Project(Path(sys.argv[1])), 'recall')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(project.folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "evaluate.cwl" in done.stderr.splitlines()[-1]


METRICS = {
    "classification": ["acc", "precision", "recall", "f1", "roc_auc"],
    "regression": ["rmse", "mae", "mse", "r2"],
}


@pytest.mark.parametrize("prediction", METRICS)
def test_metrics(prediction: str) -> None:
    for of, names in METRICS.items():
        for name in names:
            if of == prediction:
                assert validate_metric(prediction, name.upper()) == name
                continue
            with pytest.raises(MlcraftError, match=f"{name} is a metric for {of}, and this is {prediction}: ") as told:
                validate_metric(prediction, name)
            assert all(other in str(told.value) for other in METRICS[prediction])
