"""train: a model folder that MLflow loads, metrics, a record; the same bytes from the same inputs."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from airflow_mlcraft.tracking import pyfunc_model
from tests.ml.samples import Steps, generate_mixed_table
from tests.steps.processed import PARTS, process_diabetes, process_table, read_files

OWN = """
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier

class Most(ClassifierMixin, BaseEstimator):
    def fit(self, x, y):
        self.classes_, counts = np.unique(y, return_counts=True)
        self.most_ = int(counts.argmax())
        return self

    def predict(self, x):
        return np.repeat(self.classes_[self.most_], len(x))

def estimators():
    return {"most": Most(), "little_forest": RandomForestClassifier(3)}
"""


def test_what_it_makes(tmp_path: Path) -> None:
    steps = process_table(tmp_path)
    steps.run_checked("train", *PARTS, "--model", "random_forest", "--params", '{"n_estimators": 9}', "--seed", "2")
    card = json.loads((tmp_path / "model" / "model.json").read_text())
    assert (card["name"], card["task"], card["target"], card["classes"]) == (
        "random_forest", "classification", "target", ["short", "tall"],
    )  # fmt: skip
    features = {one["name"]: one for one in card["features"]}
    assert features["leaves"] == {
        "name": "leaves", "kind": "number", "type": "float64", "nullable": False, "integer": True,
        "min": 1.0, "max": 8.0, "median": features["leaves"]["median"],
    }  # fmt: skip
    assert sorted(features["colour"]["categories"]) == ["blue", "green", "red"]
    assert features["size"]["nullable"]
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["cv"] == card["cv"]
    expected = {"acc", "balanced_acc", "precision", "recall", "f1", "roc_auc", "pr_auc", "log_loss"}
    assert set(metrics["train"]) == expected
    record = json.loads((tmp_path / "record.json").read_text())
    assert record["params"]["n_estimators"] == 9
    assert record["params"]["random_state"] == 2
    assert record["metrics"]["cv_acc"] == metrics["cv"]["acc"]["mean"]
    assert record["series"]["fold_acc"] == [list(point) for point in enumerate(metrics["cv"]["acc"]["folds"])]
    assert record["models"] == [{"port": "model", "name": "random_forest"}]


def test_the_numbers_are_scikit_learns_own_on_the_same_files(tmp_path: Path) -> None:
    steps = process_diabetes(tmp_path)
    steps.run_checked("train", *PARTS, "--model", "ridge", "--params", '{"alpha": 0.5}', "--seed", "8")
    train = pd.read_parquet(tmp_path / "train.parquet")
    x, y = train.drop(columns=["target", "__row_hash__"]), train["target"]
    model = make_pipeline(StandardScaler(), Ridge(alpha=0.5))
    theirs = cross_val_score(model, x, y, cv=KFold(5, shuffle=True, random_state=8), scoring="r2")
    cv = json.loads((tmp_path / "metrics.json").read_text())["cv"]
    assert cv["r2"]["folds"] == theirs.tolist()
    loaded = pyfunc_model.load(tmp_path / "model" / "model.skops")
    test = pd.read_parquet(tmp_path / "test.parquet")
    assert np.array_equal(loaded.predict(test), model.fit(x, y).predict(test[x.columns]))


def test_mlflow_loads_it_and_takes_raw_rows(tmp_path: Path) -> None:
    steps = process_table(tmp_path)
    steps.run_checked("train", *PARTS, "--model", "logistic_regression")
    import mlflow

    loaded = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    test = pd.read_parquet(tmp_path / "test.parquet").drop(columns="target")
    output = loaded.predict(test)
    assert set(output) <= {"short", "tall"}
    assert {column.name: column.type.name for column in loaded.metadata.signature.inputs} == {
        "size": "double", "leaves": "double", "colour": "string", "wild": "boolean", "day": "datetime",
    }  # fmt: skip
    assert loaded.metadata.metadata["model"] == "logistic_regression"


@pytest.mark.parametrize(
    "name", ["logistic_regression", "random_forest", "hist_gradient_boosting", "lightgbm", "xgboost"]
)
def test_the_same_bytes_anywhere_on_any_number_of_cores(name: str, tmp_path: Path) -> None:
    for folder, cores in (("one", "1"), ("two", "2")):
        steps = process_table(tmp_path / folder)
        steps.run_checked("train", *PARTS, "--model", name, "--cores", cores)
    assert read_files(tmp_path / "one") == read_files(tmp_path / "two")


def test_own_estimators_and_own_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = process_table(tmp_path)
    (tmp_path / "model.py").write_text(OWN)
    steps.run_checked("train", *PARTS, "--model", "little_forest", "--code", "model.py")
    assert not (tmp_path / "model" / "code").exists()
    steps.run_checked("predict", "--model", "model", "--data", "data.csv")
    steps.run_checked("train", *PARTS, "--model", "most", "--code", "model.py")
    assert any("most has types of Most of model.py: they are trusted" in line for line in steps.log_lines)
    (tmp_path / "model.py").write_text("raise SystemError('not the file that was trained')\n")
    steps.run_checked("predict", "--model", "model", "--data", "data.csv")
    monkeypatch.setenv("MLCRAFT_TRUST_KEY", "of another machine")
    sentence = steps.run_for_error("predict", "--model", "model", "--data", "data.csv")
    assert "not known to be safe" in sentence
    assert "signed with another key, or changed since" in sentence
    (kind,) = json.loads((tmp_path / "model" / "model.json").read_text())["trusted"]["types"]
    assert kind in sentence
    monkeypatch.setenv("MLCRAFT_TRUSTED_TYPES", kind)
    steps.run_checked("predict", "--model", "model", "--data", "data.csv")
    (code,) = (tmp_path / "model" / "code").iterdir()
    code.write_text(OWN + "\nprint('something else')\n")
    assert "is not the file that its name stands for" in steps.run_for_error(
        "predict", "--model", "model", "--data", "data.csv"
    )


def test_no_other_file_beside_a_model_is_imported(tmp_path: Path) -> None:
    """In a process that has not imported the code yet."""
    steps = process_table(tmp_path)
    (tmp_path / "model.py").write_text(
        f"import contextlib\nwith contextlib.suppress(ImportError):\n    import mlcraft_beside_it\n{OWN}"
    )
    steps.run_checked("train", *PARTS, "--model", "most", "--code", "model.py")
    there = tmp_path / "there"
    package = tmp_path / "model" / "code" / "mlcraft_beside_it"
    package.mkdir()
    (package / "__init__.py").write_text(f"from pathlib import Path\nPath({str(there)!r}).touch()\n")
    program = (
        "import sys; from pathlib import Path; from airflow_mlcraft.serving.model.state import load_predictor;"
        "load_predictor(Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "model")]
    output = subprocess.run(command, capture_output=True, text=True, check=False)
    assert output.returncode == 0, output.stderr
    assert not there.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--model", "forest"], "no model 'forest' for classification"),
        (["--model", "svm", "--metric", "rmse"], "rmse is a metric for regression"),
        (["--model", "svm", "--cores", "0"], "--cores is 0; expected 1 or more"),
        (["--model", "svm", "--folds", "1"], "--folds is 1; expected 2 or more, or 0"),
        (["--model", "svm", "--params", "[1]"], "--params: there is no file [1]"),
        (["--model", "svm", "--params", '{"gama": 1}'], "svm has no parameter 'gama'"),
        (["--model", "k_neighbors", "--params", '{"n_neighbors": 0}'], "k_neighbors in fold 1 could not be fitted"),
        (["--model", "svm", "--code", "model.py"], "--code: there is no file model.py"),
        (["--model", "svm", "--recipe", "data.csv"], "--recipe is not JSON"),
        (["--model", "svm", "--recipe", "metrics.json"], "--recipe: there is no file metrics.json"),
        (["--model", "svm", "--train", "data.csv", "--recipe", "other.json"], "no recipe of version 1"),
    ],
)
def test_refusals(options: list[str], words: str, tmp_path: Path) -> None:
    steps = process_table(tmp_path)
    (tmp_path / "other.json").write_text('{"version": 7}')
    assert words in steps.run_for_error("train", *PARTS, *options)


def test_mistakes_in_an_own_estimator(tmp_path: Path) -> None:
    steps = process_table(tmp_path)
    (tmp_path / "model.py").write_text(OWN.replace("self.most_ = int", "self.most_ = intt"))
    for step in (["train"], ["tune", "--space", '{"x": [1]}']):
        sentence = steps.run_for_error(*step, *PARTS, "--model", "most", "--code", "model.py")
        assert "model.py:9: NameError: name 'intt' is not defined" in sentence or "no parameter 'x'" in sentence


def test_a_fold_without_one_of_the_classes(tmp_path: Path) -> None:
    """The other folds still have their scores, or the fold is named."""
    frame = generate_mixed_table().sort_values("target").assign(when=range(120))
    steps = process_table(tmp_path, frame, "--time", "when", "--test-size", "0.1")
    assert "svm in fold 1 could not be fitted" in steps.run_for_error("train", *PARTS, "--model", "svm")
    steps.run_checked("train", *PARTS, "--model", "random_forest")
    cv = json.loads((tmp_path / "metrics.json").read_text())["cv"]
    assert "acc" in cv
    assert "roc_auc" not in cv


def test_columns_as_databases_give_them(tmp_path: Path) -> None:
    frame = generate_mixed_table().assign(
        born=[date(2024, 1, 1 + row % 28) for row in range(120)],
        price=[Decimal(row) / 7 for row in range(120)],
        maybe=pd.array([True, None, False] * 40, dtype="boolean"),
        count=pd.array([1, None, 3] * 40, dtype="Int64"),
        shade=pd.Categorical(["light", "dark"] * 60),
    )
    frame.to_parquet(tmp_path / "data.parquet")
    steps = Steps(tmp_path)
    steps.run_checked("process", "--data", "data.parquet", "--target", "target")
    steps.run_checked("train", *PARTS, "--model", "logistic_regression")
    steps.run_checked("predict", "--model", "model", "--data", "data.parquet")
    card = json.loads((tmp_path / "model" / "model.json").read_text())
    kinds = {one["name"]: one["kind"] for one in card["features"]}
    assert {name: kinds[name] for name in ("born", "price", "maybe", "count", "shade")} == {
        "born": "date", "price": "number", "maybe": "boolean", "count": "number", "shade": "category",
    }  # fmt: skip
    import mlflow

    loaded = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    rows = pd.read_parquet(tmp_path / "test.parquet").drop(columns="target")
    assert len(loaded.predict(rows)) == len(rows)
    assert len(loaded.predict(loaded.input_example)) == 5


def test_without_cross_validation(tmp_path: Path) -> None:
    steps = process_table(tmp_path)
    steps.run_checked("train", *PARTS, "--model", "naive_bayes", "--folds", "0")
    assert json.loads((tmp_path / "metrics.json").read_text())["cv"] == {}
