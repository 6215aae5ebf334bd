"""evaluate: all models on the same rows, gates, today's champion, and a report that is always the same."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, log_loss, mean_absolute_error, root_mean_squared_error

from airflow_mlcraft.ml.data import batches, csv_file
from airflow_mlcraft.tracking import pyfunc_model
from tests.ml.samples import Steps, cancer, diabetes, generate_mixed_table, iris
from tests.steps.processed import PARTS, process_diabetes, process_table, read_files, train_model

FOREST = ("--params", '{"n_estimators": 12}')
PLOTS = {
    "classification": {"models", "confusion_matrix", "roc", "precision_recall", "calibration", "importances"},
    "regression": {"models", "predicted", "residuals", "residual_histogram", "importances"},
}


def read_scores(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "scores.json").read_text())
    return found


@pytest.fixture(scope="module")
def two_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two models of two classes."""
    steps = process_table(tmp_path_factory.mktemp("contest"))
    train_model(steps, "logistic_regression", "linear")
    train_model(steps, "random_forest", "forest", *FOREST)
    return steps.folder


@pytest.fixture
def steps(two_models: Path, tmp_path: Path) -> Steps:
    shutil.copytree(two_models, tmp_path / "work")
    return Steps(tmp_path / "work")


def test_the_best_wins_by_any_metric(steps: Steps) -> None:
    for metric in ("acc", "log_loss"):
        steps.run_checked("evaluate", "--models", "linear", "forest", "--test", "test.parquet", "--metric", metric)
        comparison = read_scores(steps.folder)
        values = {one["name"]: one["cv"][metric]["mean"] for one in comparison["models"] if one["role"] == "new"}
        best = (min if metric == "log_loss" else max)(values, key=lambda name: values[name])
        assert comparison["winner"] == best == comparison["models"][0]["name"]
        assert comparison["direction"] == ("lower is better" if metric == "log_loss" else "higher is better")
        crowned = {"logistic_regression": "linear", "random_forest": "forest"}[best]
        assert read_files(steps.folder / "champion") == read_files(steps.folder / crowned)


def test_the_numbers_are_scikit_learns_own(steps: Steps) -> None:
    steps.run_checked("evaluate", "--models", "linear", "forest", "--test", "test.parquet")
    test = pd.read_parquet(steps.folder / "test.parquet")
    by_name = {one["name"]: one["test"] for one in read_scores(steps.folder)["models"]}
    for name, folder in (("logistic_regression", "linear"), ("random_forest", "forest")):
        model = pyfunc_model.load(steps.folder / folder / "model.skops")
        assert by_name[name]["acc"] == accuracy_score(test["target"], model.predict(test))
        assert by_name[name]["log_loss"] == log_loss(test["target"], model.predict_proba(test))
    record = json.loads((steps.folder / "record.json").read_text())
    winner = read_scores(steps.folder)["winner"]
    assert record["metrics"]["acc"] == record["metrics"][f"{winner}.acc"] == by_name[winner]["acc"]
    assert record["models"] == [{"port": "champion", "name": winner}]


def test_a_regression(tmp_path: Path) -> None:
    steps = process_diabetes(tmp_path)
    train_model(steps, "ridge", "ridge")
    train_model(steps, "k_neighbors", "near")
    steps.run_checked("evaluate", "--models", "ridge", "near", "--test", "test.parquet", "--train", "train.parquet")
    test = pd.read_parquet(tmp_path / "test.parquet")
    comparison = read_scores(tmp_path)
    assert comparison["metric"] == "rmse"
    assert comparison["winner"] == "ridge"
    output = pyfunc_model.load(tmp_path / "ridge" / "model.skops").predict(test)
    assert comparison["models"][0]["test"]["rmse"] == root_mean_squared_error(test["target"], output)
    assert comparison["models"][0]["test"]["mae"] == mean_absolute_error(test["target"], output)
    assert {file.stem for file in (tmp_path / "plots").iterdir()} == PLOTS["regression"]


def test_todays_champion_stays_or_goes(steps: Steps) -> None:
    evaluate = ("evaluate", "--test", "test.parquet", "--metric", "log_loss")
    steps.run_checked(*evaluate, "--models", "linear", "forest")
    worse = next(
        one for one in ("linear", "forest") if read_files(steps.folder / one) != read_files(steps.folder / "champion")
    )
    better = next(one for one in ("linear", "forest") if one != worse)
    for challenger in (worse, better):
        steps.run_checked(*evaluate, "--models", challenger, "--champion", better)
        assert read_scores(steps.folder)["kept"], "who is only as good does not beat the champion"
        assert read_files(steps.folder / "champion") == read_files(steps.folder / better)
        assert read_scores(steps.folder)["winner"].startswith("champion (")
    steps.run_checked(*evaluate, "--models", better, "--champion", worse)
    assert not read_scores(steps.folder)["kept"]
    steps.run_checked(*evaluate, "--models", better, "--champion", worse, "--margin", "5")
    assert read_scores(steps.folder)["kept"]
    assert [(gate["name"], gate["passed"]) for gate in read_scores(steps.folder)["gates"]] == [("margin", False)]
    assert "the champion stays" in steps.log_lines[-1]


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (generate_mixed_table().assign(more=range(120)), "the data lacks the column 'more'"),
        (iris(), "one knows the classes ['setosa', 'versicolor', 'virginica'], the other ['short', 'tall']"),
    ],
    ids=["schema", "classes"],
)
def test_a_champion_of_other_data_is_not_replaced(
    frame: pd.DataFrame, words: str, steps: Steps, tmp_path: Path
) -> None:
    other = process_table(tmp_path / "other", frame)
    train_model(other, "naive_bayes", "old")
    shutil.copytree(other.folder / "old", steps.folder / "old")
    evaluate = ("evaluate", "--models", "linear", "--test", "test.parquet", "--champion", "old")
    sentence = steps.run_for_error(*evaluate)
    assert words in sentence
    assert "is one of other data, and is not replaced" in sentence
    assert not (steps.folder / "champion").exists()
    steps.run_checked(*evaluate, "--replace-champion")
    assert read_scores(steps.folder)["winner"] == "logistic_regression"
    assert read_files(steps.folder / "champion") == read_files(steps.folder / "linear")


def test_a_champion_that_cannot_be_loaded_stays(steps: Steps) -> None:
    shutil.copytree(steps.folder / "forest", steps.folder / "old")
    (steps.folder / "old" / "model.skops").chmod(0o644)
    (steps.folder / "old" / "model.skops").write_bytes(b"torn")
    evaluate = ("evaluate", "--models", "linear", "--test", "test.parquet", "--champion", "old")
    sentence = steps.run_for_error(*evaluate)
    assert "the champion of today cannot be loaded, and stays: " in sentence
    assert "give --replace-champion" in sentence
    assert not (steps.folder / "champion").exists()
    steps.run_checked(*evaluate, "--replace-champion")
    assert read_files(steps.folder / "champion") == read_files(steps.folder / "linear")
    assert "is replaced without a comparison" in " ".join(read_scores(steps.folder)["notes"])


def test_gates_and_nobody(steps: Steps) -> None:
    evaluate = ("evaluate", "--models", "linear", "--test", "test.parquet", "--minimum", "1.01")
    assert "no champion: logistic_regression is the best new model, but its acc of" in steps.run_for_error(*evaluate)
    assert not (steps.folder / "champion").exists()
    assert read_scores(steps.folder)["winner"] is None
    steps.run_checked(*evaluate, "--allow-none")
    assert not (steps.folder / "champion").exists()
    assert "No champion" in (steps.folder / "report.md").read_text()
    steps.run_checked(*evaluate, "--champion", "forest")
    assert read_scores(steps.folder)["kept"]


def test_two_models_of_one_name(steps: Steps) -> None:
    steps.run_checked("evaluate", "--models", "linear", "linear", "--test", "test.parquet")
    names = [one["name"] for one in read_scores(steps.folder)["models"] if one["role"] == "new"]
    assert names == ["logistic_regression", "logistic_regression (2)"]
    assert read_scores(steps.folder)["winner"] == "logistic_regression"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--metric", "rmse"], "rmse is a metric for regression"),
        (["--metric", "acuracy"], "there is no metric 'acuracy'"),
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
    assert words in steps.run_for_error("evaluate", "--models", "linear", "--test", "test.parquet", *options)


def test_models_that_cannot_be_compared(steps: Steps, tmp_path: Path) -> None:
    other = process_table(tmp_path / "other", generate_mixed_table().assign(target=range(120)))
    train_model(other, "ridge", "other")
    shutil.copytree(other.folder / "other", steps.folder / "other")
    sentence = steps.run_for_error("evaluate", "--models", "linear", "other", "--test", "test.parquet")
    assert "cannot be compared: one is for classification, the other regression" in sentence


@pytest.mark.parametrize("frame", [cancer(), iris(), diabetes()], ids=["two classes", "three classes", "numbers"])
def test_the_report(frame: pd.DataFrame, tmp_path: Path) -> None:
    steps = process_table(tmp_path / "one", frame)
    task = "regression" if len(frame) == 442 else "classification"
    train_model(steps, "random_forest", "forest", *FOREST)
    train_model(steps, "k_neighbors", "near")
    shutil.copytree(steps.folder, tmp_path / "two")
    evaluate = ("evaluate", "--models", "forest", "near", "--test", "test.parquet", "--train", "train.parquet")
    steps.run_checked(*evaluate)
    Steps(tmp_path / "two").run_checked(*evaluate)
    assert read_files(steps.folder) == read_files(tmp_path / "two")
    page, text = (steps.folder / "report.html").read_text(), (steps.folder / "report.md").read_text()
    assert {file.stem for file in (steps.folder / "plots").iterdir()} == PLOTS[task]
    assert page.count("<svg") == len(PLOTS[task])
    assert not re.search(r"<script|<link|<img|src=|url\((?!#)", page), "nothing is loaded from elsewhere"
    assert str(tmp_path) not in page + text
    assert len(page) < 1_000_000
    winner = read_scores(steps.folder)["winner"]
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
    steps.run_checked("process", "--data", "data.csv", "--target", "$k_i$")
    train_model(steps, "naive_bayes", "bayes")
    steps.run_checked("evaluate", "--models", "bayes", "--test", "test.parquet")
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
        if len(X) == 27:
            raise RuntimeError("not these rows")
        return super().predict(X)

def estimators():
    return {"fails": Fails(), "fails_later": FailsLater(5)}
"""


def test_a_model_that_fails_takes_no_other_with_it(tmp_path: Path) -> None:
    """It may fail in training, in loading and in predicting; each time the others are compared."""
    steps = process_table(tmp_path)
    (tmp_path / "model.py").write_text(FAILING)
    train_model(steps, "naive_bayes", "good")
    train_model(steps, "decision_tree", "damaged")
    train_model(steps, "fails_later", "later", "--code", "model.py")
    train_model(steps, "fails", "failed", "--code", "model.py", "--tolerate")
    assert any(
        "warning: fails failed, and the others go on: model.py:6: RuntimeError" in line for line in steps.log_lines
    )
    (tmp_path / "damaged" / "model.skops").write_bytes(b"not a model")
    steps.run_checked("evaluate", "--models", "failed", "damaged", "good", "later", "--test", "test.parquet")
    comparison = json.loads((tmp_path / "scores.json").read_text())
    assert comparison["winner"] == "naive_bayes"
    assert [one["name"] for one in comparison["models"]] == ["naive_bayes", "baseline"]
    reasons = {one["label"]: one["reason"] for one in comparison["failed"]}
    assert reasons["fails"] == "model.py:6: RuntimeError: this one cannot learn"
    assert "cannot be read as a model" in reasons["decision_tree"]
    assert reasons["fails_later"] == "RuntimeError: not these rows"
    report = (tmp_path / "report.html").read_text()
    assert "Models that failed" in report
    assert "this one cannot learn" in report
    assert "no model is left to compare: fails: model.py:6" in steps.run_for_error(
        "evaluate", "--models", "failed", "--test", "test.parquet"
    )


def test_a_failed_search_has_all_outputs(tmp_path: Path) -> None:
    steps = process_table(tmp_path)
    steps.run_checked("tune", *PARTS, "--model", "svm", "--trials", "1", "--space", '{"x": [1]}', "--tolerate")
    made = {name: json.loads((tmp_path / f"{name}.json").read_text()) for name in ("params", "trials", "metrics")}
    assert made["params"] == {}
    assert made["trials"]["trials"] == []
    assert "svm has no parameter 'x'" in made["metrics"]["failed"]
    assert "svm has no parameter 'x'" in steps.run_for_error("tune", *PARTS, "--model", "svm", "--space", '{"x": [1]}')


@pytest.mark.parametrize("kind", ["train", "tune"])
@pytest.mark.parametrize("code", [[], ["--code", "model.py"]], ids=["ours", "own"])
def test_a_misspelt_model_is_refused_also_where_failures_are_tolerated(
    tmp_path: Path, kind: str, code: list[str]
) -> None:
    steps = process_table(tmp_path)
    (tmp_path / "model.py").write_text(FAILING)
    refusal = steps.run_for_error(kind, *PARTS, "--model", "naive_bays", "--tolerate", *code)
    assert "there is no model 'naive_bays' for classification; did you mean 'naive_bayes'" in refusal


def generate_noisy_table(rows: int, seed: int = 0) -> pd.DataFrame:
    """A table that grows: labels that can be learned by half, so that a row that was learned helps."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, 4)).round(4)
    target = np.where(x[:, 0] + random.normal(0, 1.2, rows) > 0, "up", "down")
    return pd.DataFrame(x, columns=list("abcd")).assign(target=target)


def train_on(folder: Path, frame: pd.DataFrame, model: str, *how: str, code: str = "") -> Steps:
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_csv(folder / "data.csv", index=False)
    steps = Steps(folder)
    steps.run_checked("process", "--data", "data.csv", "--target", "target", *how)
    train_model(steps, model, "new")
    return steps


def test_a_champion_of_a_smaller_table_has_learned_none_of_the_test_rows(tmp_path: Path) -> None:
    """A decision tree knows by heart what it has learned: on such rows it would be right always."""
    frame = generate_noisy_table(1200)
    old = train_on(tmp_path / "old", frame.head(600), "decision_tree")
    new = train_on(tmp_path / "new", frame.sample(frac=1, random_state=1), "logistic_regression")
    learned = np.load(old.folder / "new" / "training_rows.npy")
    test = pd.read_parquet(new.folder / "test.parquet")
    assert learned.dtype == np.uint64
    assert not np.isin(test["__row_hash__"], learned).any()
    new.run_checked("evaluate", "--models", "new", "--test", "test.parquet", "--champion", str(old.folder / "new"))
    comparison = read_scores(new.folder)
    assert comparison["comparison"] | {"new": None, "champion": None} == {
        "rows": len(test), "learned": 0, "new": None, "champion": None,
    }  # fmt: skip
    assert comparison["comparison"]["champion"]["acc"] < 0.75
    assert comparison["winner"] == "logistic_regression"


@pytest.mark.parametrize("how", [("--seed", "7"), ("--test-size", "0.5", "--seed", "7"), ("--time", "when")])
def test_a_champion_of_another_split_is_compared_on_what_it_has_not_learned(
    how: tuple[str, ...], tmp_path: Path
) -> None:
    frame = generate_noisy_table(1200).assign(when=range(1200))
    old = train_on(tmp_path / "old", frame, "decision_tree", "--drop", "when")
    new = train_on(tmp_path / "new", frame, "logistic_regression", *how)
    new.run_checked("evaluate", "--models", "new", "--test", "test.parquet", "--champion", str(old.folder / "new"))
    comparison, test = read_scores(new.folder), pd.read_parquet(new.folder / "test.parquet")
    learned = np.load(old.folder / "new" / "training_rows.npy")
    unseen = ~np.isin(test["__row_hash__"], learned)
    assert 30 <= unseen.sum() < len(test)
    assert comparison["comparison"]["rows"] == int(unseen.sum())
    assert comparison["comparison"]["learned"] == int((~unseen).sum())
    for folder, role in ((old.folder, "champion"), (new.folder, "new")):
        output = pyfunc_model.load(folder / "new" / "model.skops").predict(test[unseen])
        assert comparison["comparison"][role]["acc"] == accuracy_score(test["target"][unseen], output)
    assert comparison["winner"] == "logistic_regression"
    assert f"has learned {int((~unseen).sum())} of the {len(test)} test rows" in " ".join(comparison["notes"])
    assert comparison["notes"][-1] in (new.folder / "report.md").read_text()


def test_a_champion_that_has_learned_nearly_all_test_rows_is_not_compared(tmp_path: Path) -> None:
    frame = generate_noisy_table(150)
    old = train_on(tmp_path / "old", frame, "decision_tree")
    new = train_on(tmp_path / "new", frame, "logistic_regression", "--seed", "7")
    evaluate = ("evaluate", "--models", "new", "--test", "test.parquet", "--champion", str(old.folder / "new"))
    new.run_checked(*evaluate)
    comparison = read_scores(new.folder)
    assert comparison["kept"]
    assert "30 others are needed to compare, of which there are" in comparison["why"]
    new.run_checked(*evaluate, "--replace-champion")
    assert read_scores(new.folder)["winner"] == "logistic_regression"


def test_a_champion_that_does_not_say_what_it_has_learned(tmp_path: Path) -> None:
    new = train_on(tmp_path / "new", generate_noisy_table(300), "logistic_regression")
    shutil.copytree(new.folder / "new", new.folder / "old")
    (new.folder / "old" / "training_rows.npy").unlink()
    new.run_checked("evaluate", "--models", "new", "--test", "test.parquet", "--champion", "old")
    assert "it does not say which rows it has learned" in read_scores(new.folder)["why"]
    assert read_scores(new.folder)["kept"]


def test_another_processor_does_not_make_other_rows(tmp_path: Path) -> None:
    frame = generate_noisy_table(600)
    old = train_on(tmp_path / "old", frame, "decision_tree")
    (tmp_path / "processor.py").write_text("def process(frame):\n    return frame.assign(e=frame['a'] * frame['b'])\n")
    how = ("--code", str(tmp_path / "processor.py"))
    new = train_on(tmp_path / "new", frame, "logistic_regression", *how)
    new.run_checked("evaluate", "--models", "new", "--test", "test.parquet", "--champion", str(old.folder / "new"))
    assert read_scores(new.folder)["comparison"]["learned"] == 0


def test_a_champion_of_another_processor_with_other_columns_is_out(tmp_path: Path) -> None:
    """It is of the same source, so it is one of the same thing; but nobody can ask it about these rows."""
    frame = generate_noisy_table(300)
    cards = []
    for name, column in (("old", "sum"), ("new", "total")):
        code = tmp_path / f"{name}.py"
        code.write_text(f"def process(frame):\n    return frame.assign({column}=frame['a'] + frame['b'])\n")
        cards.append(train_on(tmp_path / name, frame, "naive_bayes", "--code", str(code)))
    old, new = cards
    new.run_checked("evaluate", "--models", "new", "--test", "test.parquet", "--champion", str(old.folder / "new"))
    comparison = read_scores(new.folder)
    assert comparison["winner"] == "naive_bayes"
    assert "was made with another processor.py, and cannot be asked about these rows" in comparison["notes"][-1]


def test_a_new_column_makes_other_rows_unless_an_id_tells_them(tmp_path: Path) -> None:
    frame = generate_noisy_table(600).assign(row=range(600))
    wider = frame.assign(fresh=np.random.default_rng(2).normal(size=600))
    for how, words in (((), "so which of the test rows it has learned is not known"), (("--id", "row"), "")):
        folder = tmp_path / ("id" if how else "content")
        old = train_on(folder / "old", frame, "decision_tree", *how)
        new = train_on(folder / "new", wider, "logistic_regression", *how)
        new.run_checked("evaluate", "--models", "new", "--test", "test.parquet", "--champion", str(old.folder / "new"))
        comparison = read_scores(new.folder)
        assert words in comparison["why"]
        assert comparison["kept"] is not how
        assert (comparison["comparison"]["rows"] > 0) is bool(how)


def test_groups_that_the_champion_has_learned_are_left_out(tmp_path: Path) -> None:
    frame = generate_noisy_table(900).assign(who=[f"p{row % 90}" for row in range(900)])
    old = train_on(tmp_path / "old", frame, "decision_tree", "--group", "who")
    new = train_on(
        tmp_path / "new", frame, "logistic_regression", "--group", "who", "--seed", "3", "--test-size", "0.4"
    )
    new.run_checked("evaluate", "--models", "new", "--test", "test.parquet", "--champion", str(old.folder / "new"))
    known = set(pd.read_parquet(old.folder / "train.parquet")["who"])
    test = pd.read_parquet(new.folder / "test.parquet")
    assert read_scores(new.folder)["comparison"]["rows"] == int((~test["who"].isin(known)).sum()) > 0


def generate_rare_class(rows: int = 3000, positives: int = 30) -> pd.DataFrame:
    random = np.random.default_rng(5)
    target = np.array(["yes"] * positives + ["no"] * (rows - positives))
    x = random.normal((target == "yes") * 2.0, 1)
    return pd.DataFrame({"x": x, "z": random.normal(size=rows), "target": target}).sample(frac=1, random_state=0)


def test_a_rare_class(tmp_path: Path) -> None:
    """The metric follows the data unless one is named; what finds nothing is told; the baseline is in the table."""
    steps = process_table(tmp_path, generate_rare_class())
    train_model(steps, "linear_discriminant", "blind", "--params", '{"priors": [0.9999, 0.0001]}')
    train_model(steps, "naive_bayes", "bayes")
    output = "pr_auc decides, because the class 'yes' has"
    assert sum(output in line for line in steps.log_lines) == 2
    steps.run_checked("evaluate", "--models", "blind", "bayes", "--test", "test.parquet")
    comparison, report = read_scores(tmp_path), (tmp_path / "report.md").read_text()
    assert (comparison["metric"], comparison["chosen_on"]) == ("pr_auc", "cross-validation")
    assert output in comparison["metric_reason"]
    assert output in report
    assert any("linear_discriminant finds none of the " in note and "recall 0" in note for note in comparison["notes"])
    assert comparison["models"][-1]["role"] == "baseline"
    assert (
        comparison["models"][-1]["test"]["pr_auc"]
        == (pd.read_parquet(tmp_path / "test.parquet")["target"] == "yes").mean()
    )
    assert "| baseline |" in report.replace("  ", " ")
    steps.run_checked("evaluate", "--models", "blind", "bayes", "--test", "test.parquet", "--metric", "accuracy")
    assert (read_scores(tmp_path)["metric"], read_scores(tmp_path)["metric_reason"]) == ("acc", "")
    notes = " ".join(read_scores(tmp_path)["notes"])
    least = read_scores(tmp_path)["models"][-1]["test"]["acc"]
    assert (
        f"linear_discriminant does not beat the baseline: its acc on the test part is {least:.6g}, and always naming "
        "the most frequent class has the same"
    ) in notes


def test_a_baseline_is_never_the_champion(steps: Steps) -> None:
    train_model(steps, "baseline", "dummy")
    refused = steps.run_for_error("evaluate", "--models", "dummy", "--test", "test.parquet")
    assert "the baseline is the only new model, and it is never the champion" in refused
    steps.run_checked("evaluate", "--models", "dummy", "linear", "--test", "test.parquet")
    assert [one["name"] for one in read_scores(steps.folder)["models"]] == ["logistic_regression", "baseline"]


def test_models_without_folds_are_chosen_by_the_test_part_and_it_is_said(steps: Steps) -> None:
    steps.run_checked("train", *PARTS, "--model", "naive_bayes", "--folds", "0")
    steps.run_checked("evaluate", "--models", "model", "linear", "--test", "test.parquet")
    comparison = read_scores(steps.folder)
    assert comparison["chosen_on"] == "test part"
    assert comparison["notes"][0].startswith(
        "naive_bayes was trained without folds, so the test part chooses among the models"
    )


def test_a_regression_has_a_baseline(tmp_path: Path) -> None:
    steps = process_diabetes(tmp_path)
    train_model(steps, "ridge", "ridge")
    steps.run_checked("evaluate", "--models", "ridge", "--test", "test.parquet")
    mean = pd.read_parquet(tmp_path / "train.parquet")["target"].mean()
    truth = pd.read_parquet(tmp_path / "test.parquet")["target"]
    baseline = read_scores(tmp_path)["models"][-1]
    assert baseline["test"]["mae"] == mean_absolute_error(truth, np.full(len(truth), mean))


def test_class_weights_and_thresholds(tmp_path: Path) -> None:
    steps = process_table(tmp_path, generate_rare_class())
    train_model(steps, "logistic_regression", "plain")
    train_model(steps, "logistic_regression", "weighted", "--class-weight", "balanced")
    train_model(steps, "logistic_regression", "named", "--class-weight", '{"yes": 50}')
    train_model(steps, "logistic_regression", "moved", "--threshold", "auto", "--metric", "f1")
    train_model(steps, "naive_bayes", "bayes", "--class-weight", "balanced")
    assert "naive_bayes knows no weights of classes; it is trained without them" in steps.log_lines
    steps.run_checked("evaluate", "--models", "plain", "weighted", "named", "moved", "--test", "test.parquet")
    recalls = [
        one["test"]["recall"] for one in sorted(read_scores(tmp_path)["models"][:4], key=lambda one: str(one["name"]))
    ]
    assert all(recall > recalls[0] for recall in recalls[1:])
    card = json.loads((tmp_path / "moved" / "model.json").read_text())
    assert card["class"].endswith("LogisticRegression")
    test = pd.read_parquet(tmp_path / "test.parquet")
    model = pyfunc_model.load(tmp_path / "moved" / "model.skops")
    chances = model.predict_proba(test)[:, 1]
    assert np.array_equal(model.predict(test), np.where(chances >= card["threshold"]["value"], "yes", "no"))
    weights = {name: _weight(tmp_path / name) for name in ("plain", "weighted", "named")}
    assert weights == {"plain": None, "weighted": "balanced", "named": {"yes": 50.0}}


def _weight(folder: Path) -> Any:
    return pyfunc_model.load(folder / "model.skops")[-1].class_weight


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--class-weight", "heavy"], "--class-weight is 'heavy'; expected balanced, or JSON"),
        (["--class-weight", '{"tal": 2}'], "there is no class 'tal'; did you mean 'tall'?"),
        (["--class-weight", '{"tall": 0}'], "the weight of 'tall' is 0; expected a number above 0"),
        (["--threshold", "1"], "--threshold is '1'; expected auto, or a probability between 0 and 1"),
    ],
)
def test_weights_and_thresholds_that_cannot_be(options: list[str], words: str, steps: Steps) -> None:
    assert words in steps.run_for_error("train", *PARTS, "--model", "naive_bayes", *options)


@pytest.mark.parametrize("by", [(), ("--group", "who")])
def test_batches_give_what_one_batch_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: tuple[str, ...]
) -> None:
    """Scores, report, plots, and the comparison with a champion that has learned some of the rows."""
    generate_mixed_table(2000).assign(who=np.arange(2000) % 40).to_csv(tmp_path / "data.csv", index=False)
    steps = Steps(tmp_path)
    steps.run_checked("process", "--data", "data.csv", "--target", "target", "--seed", "1", *by)
    train_model(steps, "random_forest", "old", *FOREST)
    steps.run_checked("process", "--data", "data.csv", "--target", "target", "--test-size", "0.7", *by)
    train_model(steps, "random_forest", "forest", *FOREST)
    train_model(steps, "decision_tree", "tree", "--params", '{"max_depth": 3}')
    words = ("--models", "forest", "tree", "--test", "test.parquet", "--train", "train.parquet", "--champion", "old")
    steps.run_checked("evaluate", *words)
    comparison = read_scores(tmp_path)
    assert comparison["rows"] > 500
    assert by or 30 < comparison["comparison"]["learned"] < comparison["rows"]
    whole = {name: (tmp_path / name).read_bytes() for name in ("scores.json", "report.md", "report.html")}
    plots = read_files(tmp_path / "plots")
    monkeypatch.setattr(batches, "BATCH_ROWS", 97)
    steps.run_checked("evaluate", *words)
    assert {name: (tmp_path / name).read_bytes() for name in whole} == whole
    assert read_files(tmp_path / "plots") == plots


def test_a_late_row_that_does_not_fit_is_told_by_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = generate_mixed_table()
    frame["day"] = pd.to_datetime(frame["day"]).dt.strftime("%d/%m/%Y")
    steps = process_table(tmp_path, frame)
    train_model(steps, "decision_tree", "tree")
    frame.loc[100, "day"] = "tomorrow"
    frame.to_csv(tmp_path / "late.csv", index=False)
    monkeypatch.setattr(csv_file, "SMALL_BLOCK", 1 << 10)
    assert "'day' of row 101 is 'tomorrow'; expected a date as %d/%m/%Y" in steps.run_for_error(
        "evaluate", "--models", "tree", "--test", "late.csv"
    )
