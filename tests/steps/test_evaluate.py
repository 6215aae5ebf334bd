"""evaluate: all models on the same rows, gates, today's champion, and a report that is always the same."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, log_loss, mean_absolute_error, root_mean_squared_error

from airflow_mlcraft.tracking import pyfunc_model
from tests.ml.samples import Steps, cancer, diabetes, iris, wild
from tests.steps.processed import PARTS, files, numbers, processed, trained

FOREST = ("--params", '{"n_estimators": 12}')
PLOTS = {
    "classification": {"models", "confusion_matrix", "roc", "precision_recall", "calibration", "importances"},
    "regression": {"models", "predicted", "residuals", "residual_histogram", "importances"},
}


def scores(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "scores.json").read_text())
    return found


@pytest.fixture(scope="module")
def contest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two models of two classes."""
    steps = processed(tmp_path_factory.mktemp("contest"))
    trained(steps, "logistic_regression", "linear")
    trained(steps, "random_forest", "forest", *FOREST)
    return steps.folder


@pytest.fixture
def steps(contest: Path, tmp_path: Path) -> Steps:
    shutil.copytree(contest, tmp_path / "work")
    return Steps(tmp_path / "work")


def test_the_best_wins_by_any_metric(steps: Steps) -> None:
    for metric in ("acc", "log_loss"):
        steps.must("evaluate", "--models", "linear", "forest", "--test", "test.parquet", "--metric", metric)
        told = scores(steps.folder)
        values = {one["name"]: one["test"][metric] for one in told["models"]}
        best = (min if metric == "log_loss" else max)(values, key=lambda name: values[name])
        assert told["winner"] == best == told["models"][0]["name"]
        assert told["direction"] == ("lower is better" if metric == "log_loss" else "higher is better")
        crowned = {"logistic_regression": "linear", "random_forest": "forest"}[best]
        assert files(steps.folder / "champion") == files(steps.folder / crowned)


def test_the_numbers_are_scikit_learns_own(steps: Steps) -> None:
    steps.must("evaluate", "--models", "linear", "forest", "--test", "test.parquet")
    test = pd.read_parquet(steps.folder / "test.parquet")
    by_name = {one["name"]: one["test"] for one in scores(steps.folder)["models"]}
    for name, folder in (("logistic_regression", "linear"), ("random_forest", "forest")):
        model = pyfunc_model.load(steps.folder / folder / "model.skops")
        assert by_name[name]["acc"] == accuracy_score(test["target"], model.predict(test))
        assert by_name[name]["log_loss"] == log_loss(test["target"], model.predict_proba(test))
    record = json.loads((steps.folder / "record.json").read_text())
    winner = scores(steps.folder)["winner"]
    assert record["metrics"]["acc"] == record["metrics"][f"{winner}.acc"] == by_name[winner]["acc"]
    assert record["models"] == [{"port": "champion", "name": winner}]


def test_a_regression(tmp_path: Path) -> None:
    steps = numbers(tmp_path)
    trained(steps, "ridge", "ridge")
    trained(steps, "k_neighbors", "near")
    steps.must("evaluate", "--models", "ridge", "near", "--test", "test.parquet", "--train", "train.parquet")
    test = pd.read_parquet(tmp_path / "test.parquet")
    told = scores(tmp_path)
    assert told["metric"] == "rmse"
    assert told["winner"] == "ridge"
    said = pyfunc_model.load(tmp_path / "ridge" / "model.skops").predict(test)
    assert told["models"][0]["test"]["rmse"] == root_mean_squared_error(test["target"], said)
    assert told["models"][0]["test"]["mae"] == mean_absolute_error(test["target"], said)
    assert {file.stem for file in (tmp_path / "plots").iterdir()} == PLOTS["regression"]


def test_todays_champion_stays_or_goes(steps: Steps) -> None:
    evaluate = ("evaluate", "--test", "test.parquet", "--metric", "log_loss")
    steps.must(*evaluate, "--models", "linear", "forest")
    worse = next(one for one in ("linear", "forest") if files(steps.folder / one) != files(steps.folder / "champion"))
    better = next(one for one in ("linear", "forest") if one != worse)
    for challenger in (worse, better):
        steps.must(*evaluate, "--models", challenger, "--champion", better)
        assert scores(steps.folder)["kept"], "who is only as good does not beat the champion"
        assert files(steps.folder / "champion") == files(steps.folder / better)
        assert scores(steps.folder)["winner"].startswith("champion (")
    steps.must(*evaluate, "--models", better, "--champion", worse)
    assert not scores(steps.folder)["kept"]
    steps.must(*evaluate, "--models", better, "--champion", worse, "--margin", "5")
    assert scores(steps.folder)["kept"]
    assert [(gate["name"], gate["passed"]) for gate in scores(steps.folder)["gates"]] == [("margin", False)]
    assert "the champion stays" in steps.said[-1]


def test_a_champion_of_other_data_is_out_and_it_is_said(steps: Steps, tmp_path: Path) -> None:
    other = processed(tmp_path / "other", wild().assign(more=range(120)))
    trained(other, "naive_bayes", "old")
    shutil.copytree(other.folder / "old", steps.folder / "old")
    steps.must("evaluate", "--models", "linear", "--test", "test.parquet", "--champion", "old")
    assert "cannot be compared and is out: the data lacks the column 'more'" in scores(steps.folder)["notes"][0]
    assert scores(steps.folder)["winner"] == "logistic_regression"
    three = processed(tmp_path / "three", iris())
    trained(three, "naive_bayes", "three")
    shutil.copytree(three.folder / "three", steps.folder / "three")
    steps.must("evaluate", "--models", "linear", "--test", "test.parquet", "--champion", "three")
    assert "one knows the classes ['short', 'tall'], the other" in scores(steps.folder)["notes"][0]


def test_gates_and_nobody(steps: Steps) -> None:
    evaluate = ("evaluate", "--models", "linear", "--test", "test.parquet", "--minimum", "1.01")
    assert "no champion: logistic_regression is the best new model, but its acc of" in steps.refusal(*evaluate)
    assert not (steps.folder / "champion").exists()
    assert scores(steps.folder)["winner"] is None
    steps.must(*evaluate, "--allow-none")
    assert not (steps.folder / "champion").exists()
    assert "No champion" in (steps.folder / "report.md").read_text()
    steps.must(*evaluate, "--champion", "forest")
    assert scores(steps.folder)["kept"]


def test_two_models_of_one_name(steps: Steps) -> None:
    steps.must("evaluate", "--models", "linear", "linear", "--test", "test.parquet")
    assert [one["name"] for one in scores(steps.folder)["models"]] == ["logistic_regression", "logistic_regression (2)"]
    assert scores(steps.folder)["winner"] == "logistic_regression"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--metric", "rmse"], "rmse is a metric for regression"),
        (["--metric", "accuracy"], "there is no metric 'accuracy'"),
        (["--minimum", "nan"], "--minimum is nan; expected a number"),
        (["--margin", "-1"], "--margin is -1; expected 0 or more"),
        (["--champion", "plots"], "--champion: plots is no model"),
        (["--test", "data.json"], "--test: there is no file data.json"),
        (["--test", "lacking.csv"], "the data lacks the column 'leaves' that the model needs"),
        (["--test", "blind.csv"], "the data has no column 'target' to predict"),
        (["--test", "strange.csv"], "the class 'huge', which no training row has"),
        (["--models", "empty"], "no model.json that can be read"),
    ],
)
def test_refusals(options: list[str], words: str, steps: Steps) -> None:
    test = pd.read_parquet(steps.folder / "test.parquet")
    test.drop(columns="leaves").to_csv(steps.folder / "lacking.csv", index=False)
    test.drop(columns="target").to_csv(steps.folder / "blind.csv", index=False)
    test.assign(target="huge").to_csv(steps.folder / "strange.csv", index=False)
    (steps.folder / "empty").mkdir()
    (steps.folder / "empty" / "MLmodel").touch()
    assert words in steps.refusal("evaluate", "--models", "linear", "--test", "test.parquet", *options)


def test_models_that_cannot_be_compared(steps: Steps, tmp_path: Path) -> None:
    other = processed(tmp_path / "other", wild().assign(target=range(120)))
    trained(other, "ridge", "other")
    shutil.copytree(other.folder / "other", steps.folder / "other")
    sentence = steps.refusal("evaluate", "--models", "linear", "other", "--test", "test.parquet")
    assert "cannot be compared: one is for classification, the other regression" in sentence


@pytest.mark.parametrize("frame", [cancer(), iris(), diabetes()], ids=["two classes", "three classes", "numbers"])
def test_the_report(frame: pd.DataFrame, tmp_path: Path) -> None:
    steps = processed(tmp_path / "one", frame)
    task = "regression" if len(frame) == 442 else "classification"
    trained(steps, "random_forest", "forest", *FOREST)
    trained(steps, "k_neighbors", "near")
    shutil.copytree(steps.folder, tmp_path / "two")
    evaluate = ("evaluate", "--models", "forest", "near", "--test", "test.parquet", "--train", "train.parquet")
    steps.must(*evaluate)
    Steps(tmp_path / "two").must(*evaluate)
    assert files(steps.folder) == files(tmp_path / "two")
    page, text = (steps.folder / "report.html").read_text(), (steps.folder / "report.md").read_text()
    assert {file.stem for file in (steps.folder / "plots").iterdir()} == PLOTS[task]
    assert page.count("<svg") == len(PLOTS[task])
    assert not re.search(r"<script|<link|<img|src=|url\((?!#)", page), "nothing is loaded from elsewhere"
    assert str(tmp_path) not in page + text
    assert len(page) < 1_000_000
    winner = scores(steps.folder)["winner"]
    assert f"Champion: {winner}" in page
    assert all(f"](plots/{name}.png)" in text for name in PLOTS[task])
    ids = re.findall(r'\bid="([^"]+)"', page)
    clips = [name for name in ids if re.fullmatch(r"p[0-9a-f]{10}", name)]
    assert len(clips) == len(set(clips)), "one plot does not cut another"


def test_names_from_data_are_text_in_the_report(tmp_path: Path) -> None:
    frame = iris().rename(columns={"sepal width (cm)": "<b>width|</b>", "target": "$k_i$"})
    frame["$k_i$"] = frame["$k_i$"].replace("setosa", "<script>alert(1)</script>")
    frame.to_csv(tmp_path / "data.csv", index=False)
    steps = Steps(tmp_path)
    steps.must("process", "--data", "data.csv", "--target", "$k_i$")
    trained(steps, "naive_bayes", "bayes")
    steps.must("evaluate", "--models", "bayes", "--test", "test.parquet")
    page, text = (tmp_path / "report.html").read_text(), (tmp_path / "report.md").read_text()
    assert "<script" not in page
    assert "<b>width" not in page
    assert "&lt;script&gt;" in page
    assert "\\<script\\>" in text


FAILING = """
from sklearn.ensemble import RandomForestClassifier

class Fails(RandomForestClassifier):
    def fit(self, X, y, sample_weight=None):
        raise RuntimeError("this one cannot learn")

class FailsLater(RandomForestClassifier):
    def predict(self, X):
        if len(X) == 24:
            raise RuntimeError("not these rows")
        return super().predict(X)

def estimators():
    return {"fails": Fails(), "fails_later": FailsLater(5)}
"""


def test_a_model_that_fails_takes_no_other_with_it(tmp_path: Path) -> None:
    """It may fail in training, in loading and in predicting; each time the others are compared."""
    steps = processed(tmp_path)
    (tmp_path / "model.py").write_text(FAILING)
    trained(steps, "naive_bayes", "good")
    trained(steps, "decision_tree", "damaged")
    trained(steps, "fails_later", "later", "--code", "model.py")
    trained(steps, "fails", "failed", "--code", "model.py", "--tolerate")
    assert any("warning: fails failed, and the others go on: model.py:6: RuntimeError" in line for line in steps.said)
    (tmp_path / "damaged" / "model.skops").write_bytes(b"not a model")
    steps.must("evaluate", "--models", "failed", "damaged", "good", "later", "--test", "test.parquet")
    told = json.loads((tmp_path / "scores.json").read_text())
    assert told["winner"] == "naive_bayes"
    assert [one["name"] for one in told["models"]] == ["naive_bayes"]
    reasons = {one["label"]: one["reason"] for one in told["failed"]}
    assert reasons["fails"] == "model.py:6: RuntimeError: this one cannot learn"
    assert "cannot be read as a model" in reasons["decision_tree"]
    assert reasons["fails_later"] == "RuntimeError: not these rows"
    report = (tmp_path / "report.html").read_text()
    assert "Models that failed" in report
    assert "this one cannot learn" in report
    assert "no model is left to compare: fails: model.py:6" in steps.refusal(
        "evaluate", "--models", "failed", "--test", "test.parquet"
    )


def test_a_failed_search_has_all_outputs(tmp_path: Path) -> None:
    steps = processed(tmp_path)
    steps.must("tune", *PARTS, "--model", "svm", "--trials", "1", "--space", '{"x": [1]}', "--tolerate")
    made = {name: json.loads((tmp_path / f"{name}.json").read_text()) for name in ("params", "trials", "metrics")}
    assert made["params"] == {}
    assert made["trials"]["trials"] == []
    assert "svm has no parameter 'x'" in made["metrics"]["failed"]
    assert "svm has no parameter 'x'" in steps.refusal("tune", *PARTS, "--model", "svm", "--space", '{"x": [1]}')
