"""`train`, `evaluate`, `history`, `compare`, `predict`, `trace` and `reproduce` of a project that was trained."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_mlcraft.project.project_paths import projects_of
from tests.project.projects import MODELS, Workspace

COLUMNS = "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)"
ROWS = f"{COLUMNS}\n5.1,3.5,1.4,0.2\n6.7,3.0,5.2,2.3\n"


@pytest.fixture(scope="module")
def evaluated_sweep(trained: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A copy in which a sweep and an evaluation follow the first training."""
    place = trained.copy(tmp_path_factory.mktemp("sweep"))
    swept = ["-m", "naive_bayes", "--set", "seed=1,2", "naive_bayes.var_smoothing=1e-9,0.1"]
    result = place.mlcraft("train", "iris", *swept)
    assert result.code == 0, result.err
    (place.folder / "swept").write_text(result.out)
    result = place.mlcraft("evaluate", "iris", "f1", "--json")
    assert result.code == 0, result.err
    (place.folder / "evaluated").write_text(result.out)
    return place


def list_runs(workspace: Workspace) -> list[dict[str, Any]]:
    return workspace.mlcraft("history", "iris", "--json").json()


def test_what_a_training_leaves(trained: Workspace) -> None:
    project = trained.project()
    for path in ("models/champion/MLmodel", "reports/report.html", "reports/scores.json", "data/test.parquet"):
        assert (project.folder / path).exists(), path
        pointed = path.replace("/MLmodel", "")
        assert (project.folder / f"{pointed}.dvc").is_file()
    (run,) = list_runs(trained)
    assert [model["name"] for model in run["models"]] == list(MODELS)
    assert all(0.8 < model["cv"]["acc"] <= 1 and 0.8 < model["test"]["acc"] <= 1 for model in run["models"])
    assert (run["state"], run["set"]) == ("success", {"models": list(MODELS)})
    assert [model["name"] for model in run["models"] if model["winner"]] == [run["champion"]]


def test_a_training_again_does_nothing_again(trained_copy: Workspace) -> None:
    result = trained_copy.mlcraft("train", "iris", "-m", "decision_tree", "-m", "naive_bayes", "--verbose")
    assert result.code == 0, result.err
    assert "the same tool has run on the same inputs" in result.err
    assert "(as before)" in result.out
    assert "naive_bayes: success, acc 0." in result.err
    shown = (
        "baseline",
        "★ Champion: ",
        "Report: ",
        "Next: mlcraft evaluate iris METRIC",
        "Next: mlcraft run iris serves",
    )
    for text in shown:
        assert text in result.out
    assert len(list(trained_copy.project().logs.glob("train_*.log"))) == 2


def test_a_sweep(evaluated_sweep: Workspace) -> None:
    swept = [run for run in list_runs(evaluated_sweep) if run["verb"] == "train"][1:]
    assert [run["set"]["seed"] for run in swept] == [1, 2]
    assert swept[0]["set"]["naive_bayes.var_smoothing"] == [1e-9, 0.1]
    for run in swept:
        assert [model["params"]["var_smoothing"] for model in run["models"]] == [1e-9, 0.1]
    output = (evaluated_sweep.folder / "swept").read_text()
    ends = " ".join(run["run_id"][-4:] for run in swept)
    assert f"Next: mlcraft compare iris {ends} puts the runs side by side;" in output
    assert "var_smoothing=0.1" in output


def test_a_search(trained_copy: Workspace) -> None:
    (run,) = trained_copy.mlcraft("train", "iris", "-m", "decision_tree", "--tune", "2", "--json").json()
    assert run["set"] == {"models": ["decision_tree"], "tune": 2}
    assert run["state"] == "success"
    (model,) = run["models"]
    assert model["test"]["acc"] > 0.8
    assert isinstance(model["params"], dict)


def test_the_data_choose_the_metric(workspace: Workspace) -> None:
    """A project that was made without data has no metric; a class in a fifteenth of the rows chooses another."""
    random = np.random.default_rng(0)
    x = random.normal(size=300).round(3)
    y = np.where(np.arange(300) % 15 == 0, "ill", "well")
    pd.DataFrame({"x": x + (y == "ill"), "y": y}).to_csv(workspace.folder / "rare.csv", index=False)
    workspace.mlcraft("init", "rare", "-p", "classification")
    assert "metric = " in workspace.project("rare").manifest.read_text()
    assert "chosen by the data when you train" in workspace.mlcraft("config", "rare").out
    workspace.mlcraft("config", "rare", "--source", workspace.folder / "rare.csv", "--target", "y")
    result = workspace.mlcraft("train", "rare", "--quiet", "-m", "naive_bayes")
    assert result.code == 0, result.err
    text = " ".join(result.out.split())
    assert "decides, because the class 'ill' has" in text
    assert "was chosen by the data; `mlcraft config rare --metric M` sets one" in text
    (run,) = workspace.mlcraft("history", "rare", "--json").json()
    assert run["metric"] in ("balanced_acc", "pr_auc")
    again = workspace.mlcraft("evaluate", "rare", "--json").json()
    assert (again["metric"], again["kept"]) == (run["metric"], True)


def test_evaluate_by_another_metric(evaluated_sweep: Workspace) -> None:
    run = json.loads((evaluated_sweep.folder / "evaluated").read_text())
    assert (run["verb"], run["metric"], run["state"]) == ("evaluate", "f1", "success")
    assert run["champion"]
    assert all(0.5 < model["test"]["f1"] <= 1 for model in run["models"])
    (found,) = evaluated_sweep.mlcraft("list", "--json").json()
    assert found["champion"]["metric"] == "f1"


def test_evaluate_by_known_scores_runs_nothing(trained_copy: Workspace) -> None:
    run = trained_copy.mlcraft("evaluate", "iris", "acc", "--json").json()
    assert (run["state"], run["kept"], run["metric"]) == ("success", True, "acc")
    (trained,) = [run for run in list_runs(trained_copy) if run["verb"] == "train"][-1:]
    assert (run["champion"], run["score"]) == (trained["champion"], trained["score"])
    assert not list(trained_copy.project().logs.glob("evaluate_*.log"))


def test_evaluate_crowns_another_model_without_a_run(trained: Workspace, trained_copy: Workspace) -> None:
    """By the scores of the training. The registry and the repository have the new champion at once."""
    project = trained_copy.project()
    before = list_runs_of_copy(trained, trained_copy)[-1]
    old = read_aliases(trained_copy)
    other = swap_recall(before)
    run = trained_copy.mlcraft("evaluate", "iris", "recall", "--json").json()
    assert (run["state"], run["champion"], run["kept"], run["metric"]) == ("success", other, False, "recall")
    assert run["why"].startswith(
        f"{other} has the best recall, 0.999 in cross-validation, of 2 new models, and its recall"
    )
    assert run["why"].endswith(f"beats the champion's 0.5, by the scores of run {before['run_id'][-4:]}")
    assert not list(project.logs.glob("evaluate_*.log")), "no task has run"
    now = read_aliases(trained_copy)
    assert now["champion"] != old["champion"]
    assert now["previous"] == old["champion"]
    assert json.loads((project.champion / "model.json").read_text())["name"] == other
    assert json.loads((project.folder / "reports" / "scores.json").read_text())["winner"] == other
    subject = subprocess.run(
        ["git", "log", "-1", "--format=%B", "--", "models/champion.dvc"],
        cwd=project.folder, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert run["run_id"] in subject
    again = trained_copy.mlcraft("evaluate", "iris", "recall", "--json").json()
    assert (again["champion"], again["kept"]) == (other, True)
    assert trained_copy.mlcraft("trace", "iris").code == 0


def test_evaluate_runs_where_the_registry_has_another_champion(trained: Workspace, trained_copy: Workspace) -> None:
    """As after a rollback in MLflow: what the project remembers is not what a new model has to beat."""
    swap_recall(list_runs_of_copy(trained, trained_copy)[-1])
    with sqlite3.connect(projects_of(trained_copy.project()).tracking_folder / "mlflow.db") as database:
        database.execute("delete from registered_model_aliases")
    run = trained_copy.mlcraft("evaluate", "iris", "recall", "--json").json()
    assert run["state"] == "success"
    assert run["score"] != 0.999, "measured again"
    assert list(trained_copy.project().logs.glob("evaluate_*.log"))


def list_runs_of_copy(trained: Workspace, trained_copy: Workspace) -> list[dict[str, Any]]:
    """The runs of the copy, with the paths of its own files."""
    for path in trained_copy.project().runs.glob("*.json"):
        path.write_text(path.read_text().replace(str(trained.folder), str(trained_copy.folder)))
    return list_runs(trained_copy)


def swap_recall(run: dict[str, Any]) -> str:
    """Change the recorded scores so that the model that has not won has the better recall; its name."""
    path = Path(run["outputs"]["scores"])
    scores = json.loads(path.read_text())
    path.chmod(0o644)
    (other,) = [model["name"] for model in run["models"] if not model["winner"]]
    for model in scores["models"]:
        if model["role"] == "new":
            value = 0.999 if model["name"] == other else 0.5
            model["test"]["recall"] = value
            model["cv"]["recall"]["mean"] = value
    path.write_text(json.dumps(scores))
    return str(other)


def read_aliases(workspace: Workspace) -> dict[str, str]:
    """Versions by alias."""
    with sqlite3.connect(projects_of(workspace.project()).tracking_folder / "mlflow.db") as database:
        return dict(database.execute("select alias, version from registered_model_aliases").fetchall())


@pytest.mark.parametrize(
    ("metric", "sentence"),
    [
        ("rmse", "rmse is a metric for regression, and this is classification: acc, balanced_acc, precision, recall"),
        ("accurracy", "there is no metric 'accurracy'; for classification did you mean 'accuracy'?"),
    ],
)
def test_a_metric_of_the_wrong_type(trained: Workspace, metric: str, sentence: str) -> None:
    result = trained.mlcraft("evaluate", "iris", metric)
    assert (result.code, result.out) == (1, "")
    assert sentence in result.err


def test_before_any_training(workspace: Workspace) -> None:
    workspace.mlcraft("init", "iris", "-p", "classification")
    for words, sentence in (
        (["evaluate", "iris"], "iris has no models to compare; train some with `mlcraft train iris`"),
        (["predict", "iris", "x.csv"], "iris has no champion yet; train one with `mlcraft train iris`"),
        (["run", "iris"], "iris has no champion yet; train one with `mlcraft train iris`"),
        (["history", "iris"], "iris has not been run yet; start with `mlcraft train iris`"),
        (["compare", "iris"], "iris has not been run yet; start with `mlcraft train iris`"),
        (["reproduce", "iris"], "iris has not been run yet; start with `mlcraft train iris`"),
        (["trace", "iris"], "nothing has been tracked"),
        (["logs", "iris"], "no server of iris has run yet; start one with `mlcraft run iris`"),
        (["logs", "iris", "--run", "last"], "there is no run 'last' with a log"),
    ):
        result = workspace.mlcraft(*words)
        assert (result.code, result.out) == (1, ""), words
        assert sentence in result.err
    assert workspace.mlcraft("status", "iris").code == 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-m", "random_florest"], "there is no model 'random_florest' for classification"),
        (["--set", "nonsense=1"], "--set nonsense: there is nothing of that name in iris"),
        (["--tune", "2", "-m", "model"], "it is not known where to search for model"),
        (["--server"], "it is not said where the Airflow of iris is; add --url, or url under [server]"),
        (["--url", "nowhere"], "'nowhere' is no address of an Airflow; expected http://HOST:PORT"),
        (["--url", "http://127.0.0.1:9"], "nobody said who you are to http://127.0.0.1:9; give MLCRAFT_SERVER_USER"),
    ],
)
def test_what_train_refuses(trained: Workspace, arguments: list[str], sentence: str) -> None:
    result = trained.mlcraft("train", "iris", *arguments)
    assert (result.code, result.out) == (1, "")
    assert sentence in result.err
    assert len(list_runs(trained)) == 1


def test_a_server_that_does_not_answer(trained: Workspace) -> None:
    result = trained.mlcraft("train", "iris", "--url", "http://127.0.0.1:9", MLCRAFT_SERVER_TOKEN="do-not-show-me")
    assert result.code == 1
    assert "the Airflow at http://127.0.0.1:9 does not answer" in result.err
    assert "do-not-show-me" not in result.err


def test_a_run_that_fails(trained_copy: Workspace) -> None:
    project = trained_copy.project()
    (project.folder / "processor.py").write_text("def process(frame, **params):\n    return frame.dropp()\n")
    before = (project.champion / "MLmodel").read_bytes()
    result = trained_copy.mlcraft("train", "iris", "-m", "naive_bayes")
    assert result.code == 1
    assert "✗ The run failed after" in result.out
    assert "process: processor.py:2: AttributeError: 'DataFrame' object has no attribute 'dropp'" in result.out
    assert f"The whole log: {project.logs}" in result.out
    assert "Traceback" not in result.out + result.err
    assert (project.champion / "MLmodel").read_bytes() == before
    assert list_runs(trained_copy)[-1]["state"] == "failed"
    log = trained_copy.mlcraft("logs", "iris", "--run", "last", "-n", "500").out
    assert "dropp" in log


def test_a_source_that_is_not_there(trained_copy: Workspace) -> None:
    result = trained_copy.mlcraft("train", "iris", "-m", "naive_bayes", "--set", "source=lost.csv", "--json")
    assert result.code == 1
    (run,) = json.loads(result.out)
    assert run["state"] == "failed"
    assert "lost.csv" in run["error"]


def test_history(evaluated_sweep: Workspace) -> None:
    result = evaluated_sweep.mlcraft("history", "iris")
    lines = result.out.splitlines()
    assert "seed=1" in result.out
    assert "━" in lines[1]
    for run in list_runs(evaluated_sweep):
        assert len([line for line in lines if line.startswith(run["run_id"][-4:])]) == 1
    assert "Next: mlcraft compare iris" in lines[-1]
    assert len(evaluated_sweep.mlcraft("history", "iris", "--last", "2", "--json").json()) == 2


def test_compare(evaluated_sweep: Workspace) -> None:
    result = evaluated_sweep.mlcraft("compare", "iris")
    assert result.code == 0, result.err
    assert [line.split() for line in result.out.splitlines() if line.startswith("seed")] == [["seed", "1", "2"]]
    assert "higher is better" in result.out
    first, second, *_ = (run["run_id"] for run in list_runs(evaluated_sweep))
    found = evaluated_sweep.mlcraft("compare", "iris", first, second[-4:], "--metric", "f1", "--json").json()
    assert found["runs"] == [first, second]
    assert found["metric"] == "f1"
    assert found["differs"]["seed"] == [None, 1]
    assert set(found["scores"]) >= set(MODELS)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nonsense"], "there is no run of iris called 'nonsense'; `mlcraft history iris` lists all"),
        (["train", "x"], "there are several runs of iris called 'train'"),
        (["--metric", "rmse"], "rmse is a metric for regression"),
    ],
)
def test_what_compare_refuses(evaluated_sweep: Workspace, arguments: list[str], sentence: str) -> None:
    result = evaluated_sweep.mlcraft("compare", "iris", *arguments)
    assert result.code == 1
    assert sentence in result.err


def test_compare_of_one_run(trained: Workspace) -> None:
    result = trained.mlcraft("compare", "iris")
    assert result.code == 1
    assert "to compare takes two runs, and here is one that ended well; make another with `mlcraft train" in result.err


def test_predict(trained: Workspace, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(ROWS)
    result = trained.mlcraft("predict", "iris", tmp_path / "rows.csv")
    heads, *rows = result.out.splitlines()
    assert heads.startswith(f"{COLUMNS},prediction,probability_0")
    assert [row.split(",")[4] for row in rows] == ["0", "2"]
    assert trained.mlcraft("predict", "iris", stdin=ROWS).out == result.out
    rows = trained.mlcraft("predict", "iris", "-", "--json", stdin=ROWS).json()
    assert [row["prediction"] for row in rows] == [0, 2]
    written = trained.mlcraft("predict", "iris", tmp_path / "rows.csv", "--out", tmp_path / "out" / "p.csv")
    assert (written.code, written.out) == (0, "")
    assert (tmp_path / "out" / "p.csv").read_text() == result.out


def test_predict_a_file_of_the_project(trained: Workspace) -> None:
    result = trained.mlcraft("predict", "iris", "data/test.parquet", "--json")
    assert len(result.json()) == 40


@pytest.mark.parametrize(
    ("stdin", "sentence"),
    [
        ("a,b\n1,2\n", "the data lacks the columns 'sepal length (cm)'"),
        (f"{COLUMNS}\nx,3.5,1.4,0.2\n", "'sepal length (cm)' of row 1 is 'x'; expected a number"),
        ("", "empty"),
    ],
)
def test_rows_that_cannot_be_predicted(trained: Workspace, stdin: str, sentence: str) -> None:
    result = trained.mlcraft("predict", "iris", stdin=stdin)
    assert (result.code, result.out) == (1, "")
    assert sentence in result.err
    assert "Traceback" not in result.err


def test_predict_a_file_that_is_not_there(trained: Workspace) -> None:
    result = trained.mlcraft("predict", "iris", "lost.csv")
    assert "there is no file lost.csv; name a file of CSV, JSON, JSON lines or Parquet" in result.err


def test_trace(trained: Workspace) -> None:
    result = trained.mlcraft("trace", "iris")
    assert result.code == 0, result.err
    assert "from workflow.cwl" in result.out
    found = trained.mlcraft("trace", "models:/iris@champion", "--json").json()
    assert {step["task_id"] for step in found["steps"]} == {"retrieve", "process", "train", "evaluate"}
    assert found["dag_run_id"] == list_runs(trained)[0]["run_id"]


def test_code_that_changed_between_runs(trained_copy: Workspace) -> None:
    project = trained_copy.project()
    (project.folder / "processor.py").write_text((project.folder / "processor.py").read_text() + "\nLIMIT = 3\n")
    (run,) = trained_copy.mlcraft("train", "iris", "-m", "decision_tree", "--json").json()
    assert (run["state"], run["dirty"]) == ("success", "")
    found = trained_copy.mlcraft("compare", "iris", "--json").json()
    assert [line.split()[:3] for line in found["code"][run["run_id"]]] == [["processor.py", "|", "2"]]
    result = trained_copy.mlcraft("compare", "iris").out
    assert f" and {run['run_id'].rpartition('_')[2]}:" in result.partition("The code changed between ")[2]
    traced = trained_copy.mlcraft("trace", "iris").out
    assert (
        f"code in git commit {run['code']}" in traced or "processor.py | 2 ++" in traced.partition("changed since")[2]
    )
    assert "not changed since" in traced or "processor.py | 2 ++" in traced
    (project.folder / "model.py").write_text((project.folder / "model.py").read_text() + "\n# other\n")
    traced = trained_copy.mlcraft("trace", "iris").out
    assert "model.py" in traced.partition("─ changed since")[2]


def test_notes_of_a_training(workspace: Workspace) -> None:
    rows = [f"{row // 6},{row % 7 + row % 11 / 3},{row % 5 * 1.5 + row // 6}" for row in range(600)]
    (workspace.folder / "visits.csv").write_text("\n".join(["patient_id,dose,pain", *rows]))
    assert workspace.mlcraft("init", "visits", "--from", "visits.csv", "--yes").code == 0
    (run,) = workspace.mlcraft("train", "visits", "-m", "ridge", "--json").json()
    assert run["notes"] == []
    project = workspace.project("visits")
    project.manifest.write_text(project.manifest.read_text().replace('group = "patient_id"', "# group"))
    result = workspace.mlcraft("train", "visits", "-m", "ridge")
    sentence = "rows of one patient on both sides of the split make scores too good; set group = "
    assert sentence in result.out
    (again,) = workspace.mlcraft("train", "visits", "-m", "ridge", "--json").json()
    assert any(sentence in note for note in again["notes"]), "also where the step is not run again"


def test_reproduce(trained: Workspace) -> None:
    head = trained.project().folder / ".git" / "refs" / "heads" / "main"
    before = head.read_text()
    result = trained.mlcraft("reproduce", "iris", "--quiet")
    assert result.code == 0, result.out + result.err
    assert head.read_text() == before, "nothing is versioned"
    assert f"are the same as in iris {list_runs(trained)[0]['run_id']}" in result.out
    lost = trained.mlcraft("reproduce", "iris", "nonsense")
    assert "there is no run of iris called 'nonsense'" in lost.err


def test_the_champion_is_gone_with_its_file(trained_copy: Workspace) -> None:
    shutil.rmtree(trained_copy.project().champion)
    assert "has no champion yet" in trained_copy.mlcraft("predict", "iris", "data/test.parquet").err
