"""A shipped workflow measures the same, to the last bit, under Airflow, under cwltool, and by hand in scikit-learn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn import datasets
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score, log_loss, mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from airflow_mlcraft.ml.split import Split, split
from airflow_mlcraft.serving.process import local_server
from tests.operators.embedded import fork_server

WORKFLOWS = Path(__file__).parents[2] / "cwl" / "workflows"
BIN = Path(sys.executable).parent
SEED = 42
DEPLOYMENT = "try"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where both run; the servers that they start are ended."""
    yield tmp_path
    for state in tmp_path.glob(f"*serving/{DEPLOYMENT}"):
        local_server.stop(state)


def test_classification(folder: Path) -> None:
    job = {"models": ["logistic_regression", "decision_tree"], "folds": 3, "name": DEPLOYMENT}
    scores = run_both(folder, "classification", job)["scores"]
    x, y, test_x, test_y = load_split(datasets.load_breast_cancer, 0.25)
    for name, estimator in (
        ("logistic_regression", LogisticRegression(max_iter=1000, random_state=SEED)),
        ("decision_tree", DecisionTreeClassifier(random_state=SEED)),
    ):
        model = build_reference_pipeline(estimator).fit(x, y)
        output = model.predict(test_x)
        found = read_metrics(scores, name)
        assert found["acc"] == accuracy_score(test_y, output)
        assert found["f1"] == f1_score(test_y, output)
        assert found["log_loss"] == log_loss(test_y, model.predict_proba(test_x))


@pytest.mark.heavy
def test_boosters(folder: Path) -> None:
    """LightGBM and XGBoost by name, and as their own libraries have them."""
    job = {"models": ["lightgbm", "xgboost"], "folds": 2, "name": DEPLOYMENT}
    scores = run_both(folder, "classification", job)["scores"]
    x, y, test_x, test_y = load_split(datasets.load_breast_cancer, 0.25)
    for name, estimator in (
        ("lightgbm", LGBMClassifier(random_state=SEED, n_jobs=1, verbosity=-1, deterministic=True)),
        ("xgboost", XGBClassifier(random_state=SEED, n_jobs=1)),
    ):
        model = build_reference_pipeline(estimator).fit(x.to_numpy(), y)
        found = read_metrics(scores, name)
        assert found["acc"] == accuracy_score(test_y, model.predict(test_x.to_numpy()))
        assert found["log_loss"] == log_loss(test_y, model.predict_proba(test_x.to_numpy()))


@pytest.mark.heavy
def test_regression(folder: Path) -> None:
    job = {"models": ["ridge", "k_neighbors"], "folds": 3, "name": DEPLOYMENT}
    scores = run_both(folder, "regression", job)["scores"]
    x, y, test_x, test_y = load_split(datasets.load_diabetes, 0.25)
    for name, estimator in (("ridge", Ridge(random_state=SEED)), ("k_neighbors", KNeighborsRegressor())):
        output = build_reference_pipeline(estimator).fit(x, y).predict(test_x)
        found = read_metrics(scores, name)
        assert found["rmse"] == root_mean_squared_error(test_y, output)
        assert found["mae"] == mean_absolute_error(test_y, output)
        assert found["r2"] == r2_score(test_y, output)


@pytest.mark.heavy
def test_tuned_classification(folder: Path) -> None:
    job = {"models": ["random_forest"], "trials": 3, "folds": 3, "name": DEPLOYMENT}
    outputs = run_both(folder, "tuned_classification", job)
    (best,) = outputs["params"]
    x, y, test_x, test_y = load_split(datasets.load_wine, 0.25)
    model = build_reference_pipeline(RandomForestClassifier(random_state=SEED, **best)).fit(x, y)
    assert read_metrics(outputs["scores"], "random_forest")["acc"] == accuracy_score(test_y, model.predict(test_x))


@pytest.mark.heavy
def test_batch_prediction(folder: Path) -> None:
    trained = run_both(folder, "classification", {"models": ["logistic_regression"], "folds": 3, "name": DEPLOYMENT})
    model = {"class": "Directory", "location": trained["champion_location"]}
    predictions = run_both(folder / "batch", "batch_prediction", {"model": model})["predictions"]
    x, y, _, _ = load_split(datasets.load_breast_cancer, 0.25)
    hand = build_reference_pipeline(LogisticRegression(max_iter=1000, random_state=SEED)).fit(x, y)
    rows = load_table(datasets.load_breast_cancer).drop(columns="target")
    assert [int(text) for text in predictions["prediction"]] == hand.predict(rows).tolist()
    assert [float(text) for text in predictions["probability_1"]] == hand.predict_proba(rows)[:, 1].tolist()


def run_both(folder: Path, name: str, job: dict[str, Any]) -> dict[str, Any]:
    """What a workflow gives under Airflow, once cwltool has given the same."""
    ours = read_outputs(run_under_airflow(folder / "airflow", folder / "airflow-serving", name, job))
    theirs = read_outputs(run_under_cwltool(folder / "cwltool", folder / "cwltool-serving", name, job))
    for port in ("scores", "report_md", "params"):
        assert ours.get(port) == theirs.get(port), port
    if "predictions" in ours:
        assert ours["predictions"].equals(theirs["predictions"])
    return ours


def run_under_airflow(folder: Path, serving: Path, name: str, job: dict[str, Any]) -> dict[str, Any]:
    settings = {"tracking": "never", "deployments": str(serving)}
    found: dict[str, Any] = fork_server().run(folder, WORKFLOWS / f"{name}.cwl", job, settings=settings).ok()
    return found


def run_under_cwltool(folder: Path, serving: Path, name: str, job: dict[str, Any]) -> dict[str, Any]:
    folder.mkdir(parents=True)
    (folder / "job.json").write_text(json.dumps(job))
    env = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "MLCRAFT_SERVING_STATE": str(serving)}
    # cwltool runs tools in an environment of its own, in which another kernel of the same BLAS may be chosen.
    kept = ["MLCRAFT_SERVING_STATE", *(name for name in env if name.startswith("OPENBLAS_"))]
    keep = [f"--preserve-environment={name}" for name in kept]
    command = [str(BIN / "cwltool"), "--quiet", *keep, "--outdir", str(folder / "out")]
    done = subprocess.run(
        [*command, str(WORKFLOWS / f"{name}.cwl"), str(folder / "job.json")],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def read_outputs(outputs: dict[str, Any]) -> dict[str, Any]:
    """The outputs that are compared, read."""
    found: dict[str, Any] = {}
    for port, value in outputs.items():
        if port == "scores":
            found[port] = json.loads(path_of(value).read_text())
        elif port == "report_md":
            found[port] = path_of(value).read_text()
        elif port == "params":
            found[port] = [json.loads(path_of(item).read_text()) for item in value]
        elif port == "predictions":
            found[port] = pd.read_csv(path_of(value), dtype=str)
        elif port == "champion":
            found["champion_location"] = value["location"]
    return found


def path_of(value: dict[str, Any]) -> Path:
    return Path(unquote(urlsplit(value["location"]).path))


def read_metrics(scores: dict[str, Any], name: str) -> dict[str, float]:
    (found,) = [model["test"] for model in scores["models"] if model["name"] == name]
    return found


def load_table(load: Any) -> pd.DataFrame:
    """A bundled data set as it is in a file."""
    return pd.read_csv(StringIO(load(as_frame=True).frame.to_csv(index=False)))


def load_split(load: Any, share: float) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame, pd.Series]:
    train, test = split(load_table(load), Split(test_size=share, seed=SEED))
    return train.drop(columns="target"), train["target"], test.drop(columns="target"), test["target"]


def build_reference_pipeline(estimator: Any) -> Any:
    return make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), estimator)
