"""Models of the user's own, of any shape: train, evaluate, predict, server; equal to the same estimator by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from airflow_mlcraft.ml import user_code
from airflow_mlcraft.ml.estimators import user_estimators
from airflow_mlcraft.ml.preparation import build_preparation
from airflow_mlcraft.ml.recipe import from_json
from airflow_mlcraft.serving.model.folder import read_model_folder
from airflow_mlcraft.serving.model.predictor import Predictor
from airflow_mlcraft.serving.process import local_server
from airflow_mlcraft.tracking import pyfunc_model
from tests.steps.processed import PARTS, process_diabetes, process_table

CLASSIFIERS = """
import numpy as np
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from sklearn.ensemble import RandomForestClassifier, StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from xgboost import XGBClassifier

def twice(values):
    return 2 * values

def estimators():
    two = [("a", LogisticRegression()), ("b", RandomForestClassifier(5))]
    light, extreme = LGBMClassifier(n_estimators=7, verbose=-1), XGBClassifier(n_estimators=7)
    cat = CatBoostClassifier(iterations=7, verbose=False, allow_writing_files=False)
    return {
        "pipeline": make_pipeline(StandardScaler(), LogisticRegression()),
        "function": make_pipeline(FunctionTransformer(twice), LogisticRegression()),
        "voting": VotingClassifier(two, voting="soft"),
        "stacking": StackingClassifier(two),
        "search": GridSearchCV(RandomForestClassifier(5), {"max_depth": [1, None], "max_features": [np.nan, 2]}, cv=2),
        "xgb": XGBClassifier(n_estimators=7),
        "light": LGBMClassifier(n_estimators=7, verbose=-1),
        "cat": cat,
        "boosters": VotingClassifier([("light", light), ("extreme", extreme), ("cat", cat)], voting="soft"),
        "extreme_pipeline": make_pipeline(StandardScaler(), XGBClassifier(n_estimators=7)),
        "light_search": GridSearchCV(LGBMClassifier(n_estimators=7, verbose=-1), {"num_leaves": [4, 8]}, cv=2),
    }
"""
REGRESSORS = """
from catboost import CatBoostRegressor
from lightgbm import LGBMRegressor
from sklearn.ensemble import StackingRegressor
from xgboost import XGBRegressor

def model(iterations=5):
    parts = [
        ("light", LGBMRegressor(n_estimators=iterations, verbose=-1)),
        ("extreme", XGBRegressor(n_estimators=iterations)),
        ("cat", CatBoostRegressor(iterations=iterations, verbose=False, allow_writing_files=False)),
    ]
    return StackingRegressor(parts)
"""
SHAPES = ("pipeline", "function", "voting", "stacking", "search", "xgb", "light", "cat", "boosters", "extreme_pipeline",
          "light_search")  # fmt: skip
# The types of a model's own code need all that the code imports.
_NEEDS = {
    "function": {"lightgbm", "xgboost-cpu", "catboost"},
    "xgb": {"xgboost-cpu"}, "light": {"lightgbm"}, "cat": {"catboost"},
    "boosters": {"lightgbm", "xgboost-cpu", "catboost"}, "extreme_pipeline": {"xgboost-cpu"},
    "light_search": {"lightgbm"},
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning", "ignore:One or more of the test scores")
@pytest.mark.parametrize("name", SHAPES)
def test_each_shape_is_trained_compared_asked_and_served(name: str, tmp_path: Path) -> None:
    steps = process_table(tmp_path)
    (tmp_path / "model.py").write_text(CLASSIFIERS)
    steps.run_checked("train", *PARTS, "--model", name, "--code", "model.py", "--folds", "0", "--seed", "5")
    steps.run_checked("evaluate", "--models", "model", "--test", "test.parquet")
    test = pd.read_parquet(tmp_path / "test.parquet").drop(columns="target")
    test.to_csv(tmp_path / "rows.csv", index=False)
    steps.run_checked("predict", "--model", "champion", "--data", "rows.csv")
    loaded = pyfunc_model.load(tmp_path / "champion" / "model.skops")
    output, probabilities = predict_by_library(tmp_path, name, test)
    assert loaded.predict(test).tolist() == output
    assert np.allclose(loaded.predict_proba(test), probabilities, rtol=1e-6)
    assert pd.read_csv(tmp_path / "predictions.csv")["prediction"].tolist() == output
    predictor = Predictor(read_model_folder(tmp_path / "champion"))
    assert predictor.predict(predictor.example).tolist() == loaded.predict(read_example(predictor)).tolist()
    needed = {line.split("==")[0] for line in (tmp_path / "model" / "requirements.txt").read_text().split()}
    assert needed & {"xgboost-cpu", "lightgbm", "catboost"} == _NEEDS.get(name, set())


def read_example(predictor: Predictor) -> pd.DataFrame:
    from airflow_mlcraft.serving.model.tables import table_to_frame

    return table_to_frame(predictor.example, predictor.signature)


def predict_by_library(folder: Path, name: str, test: pd.DataFrame) -> tuple[list[str], Any]:
    """The user's estimator on prepared columns, with its own library and nothing else."""
    recipe = from_json(json.loads((folder / "recipe.json").read_text()))
    train = pd.read_parquet(folder / "train.parquet")
    path = folder / "model.py"
    estimator = clone(user_estimators(user_code.load(path), path)[name])
    seeds = {key: 5 for key in estimator.get_params() if key.rpartition("__")[2] == "random_state"}
    estimator.set_params(**seeds)
    if name == "cat":
        estimator.set_params(random_seed=5)
    if name == "boosters":
        estimator.get_params()["cat"].set_params(random_seed=5)
    columns = build_preparation(recipe)
    x, y = columns.fit_transform(recipe.typed(train)), recipe.truth(train)
    classes, numbered = np.unique(y, return_inverse=True)
    fitted = estimator.fit(x, numbered)
    rows = columns.transform(recipe.typed(test))
    return classes[fitted.predict(rows).astype(int)].tolist(), fitted.predict_proba(rows)


def test_a_function_that_gives_a_stack_of_boosters(tmp_path: Path) -> None:
    steps = process_diabetes(tmp_path)
    (tmp_path / "model.py").write_text(REGRESSORS)
    options = ("--model", "model", "--code", "model.py", "--folds", "2", "--params", '{"iterations": 4}')
    steps.run_checked("train", *PARTS, *options)
    first = {path.name: path.read_bytes() for path in (tmp_path / "model" / "boosters").iterdir()}
    assert len(first) == 3
    steps.run_checked("evaluate", "--models", "model", "--test", "test.parquet")
    steps.run_checked("train", *PARTS, *options)
    assert first == {path.name: path.read_bytes() for path in (tmp_path / "model" / "boosters").iterdir()}
    result = json.loads((tmp_path / "record.json").read_text())["params"]
    assert result["light"] == "LGBMRegressor"


def test_a_server_answers_with_boosters_and_a_class_of_the_users_own(tmp_path: Path) -> None:
    own = "\nclass Own(VotingClassifier):\n    pass\n\n"
    code = CLASSIFIERS.replace("def twice", f"{own}def twice").replace('"boosters": VotingClassifier', '"own": Own')
    steps = process_table(tmp_path)
    (tmp_path / "model.py").write_text(code)
    steps.run_checked("train", *PARTS, "--model", "own", "--code", "model.py", "--folds", "0")
    card = json.loads((tmp_path / "model" / "model.json").read_text())
    assert [name.rpartition(".")[2] for name in card["trusted"]["types"]] == ["Own"]
    assert list(card["trusted"]["code"]) == [f"{user_code.module_name(tmp_path / 'model.py')}.py"]
    import mlflow

    rows = pyfunc_rows(tmp_path, card)
    asked = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(rows)
    assert list(asked) == pyfunc_model.load(tmp_path / "model" / "model.skops").predict(rows).tolist()
    try:
        steps.run_checked("serve", "--model", "model", "--name", "own", "--state-folder", "serving")
    finally:
        local_server.stop(tmp_path / "serving" / "own")


def pyfunc_rows(folder: Path, card: dict[str, Any]) -> pd.DataFrame:
    """Rows of the test part, in the types of the model's signature."""
    test = pd.read_parquet(folder / "test.parquet")
    return test[[one["name"] for one in card["features"]]].assign(
        leaves=test["leaves"].astype("float64"), day=pd.to_datetime(test["day"])
    )


def test_what_the_users_packages_bring_is_recorded(tmp_path: Path) -> None:
    """Types of an installed package: name, version and hash; another key, or another content, is not trusted."""
    code = """
from httpx import Timeout
from sklearn.tree import DecisionTreeClassifier

class Tree(DecisionTreeClassifier):
    def fit(self, x, y):
        self.timeout = Timeout(3)
        return super().fit(x, y)

def estimators():
    return {"tree": Tree()}
"""
    steps = process_table(tmp_path)
    (tmp_path / "model.py").write_text(code)
    steps.run_checked("train", *PARTS, "--model", "tree", "--code", "model.py", "--folds", "0")
    card = json.loads((tmp_path / "model" / "model.json").read_text())
    (package,) = card["trusted"]["packages"]
    assert package["name"] == "httpx"
    assert len(package["sha256"]) == 64
    assert f"httpx=={package['version']}" in (tmp_path / "model" / "requirements.txt").read_text().split()
    steps.run_checked("predict", "--model", "model", "--data", "data.csv")
    card["trusted"]["types"].append("os.system")
    (tmp_path / "model" / "model.json").write_text(json.dumps(card))
    assert "signed with another key, or changed since" in steps.run_for_error(
        "predict", "--model", "model", "--data", "data.csv"
    )


def test_what_cannot_be_saved_is_said_before_the_long_fit(tmp_path: Path) -> None:
    code = """
from pathlib import Path
from sklearn.tree import DecisionTreeClassifier

class Tree(DecisionTreeClassifier):
    def fit(self, x, y):
        with Path("fits.txt").open("a") as stream:
            stream.write(f"{len(x)} ")
        self.lock = open(__file__)
        return super().fit(x, y)

def estimators():
    return {"tree": Tree()}
"""
    steps = process_table(tmp_path, pd.concat([pd.read_csv(rows(tmp_path))] * 4, ignore_index=True))
    (tmp_path / "model.py").write_text(code.replace("fits.txt", str(tmp_path / "fits.txt")))
    assert "cannot be kept safely" in steps.run_for_error("train", *PARTS, "--model", "tree", "--code", "model.py")
    assert (tmp_path / "fits.txt").read_text() == "200 "


def rows(folder: Path) -> Path:
    from tests.ml.samples import generate_mixed_table

    generate_mixed_table().to_csv(folder / "wild.csv", index=False)
    return folder / "wild.csv"


def test_a_booster_that_was_exchanged(tmp_path: Path) -> None:
    steps = process_table(tmp_path)
    steps.run_checked("train", *PARTS, "--model", "lightgbm", "--folds", "0", "--params", '{"n_estimators": 3}')
    (booster,) = (tmp_path / "model" / "boosters").iterdir()
    booster.write_text(booster.read_text().replace("leaf_value=", "leaf_value= "))
    assert "is not the file that the model was saved with" in steps.run_for_error(
        "predict", "--model", "model", "--data", "data.csv"
    )


def test_a_library_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = process_table(tmp_path)
    steps.run_checked("train", *PARTS, "--model", "catboost", "--folds", "0", "--params", '{"iterations": 3}')
    import sys

    monkeypatch.setitem(sys.modules, "catboost", None)
    for step in (["train", *PARTS, "--model", "catboost"], ["predict", "--model", "model", "--data", "data.csv"]):
        assert "`pip install 'airflow-provider-mlcraft[catboost]'` installs it" in steps.run_for_error(*step)
