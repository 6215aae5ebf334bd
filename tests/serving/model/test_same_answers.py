"""The server, `predict` and MLflow give the same answers for the same rows, whatever the rows hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest

from airflow_mlcraft.ml.recipe import from_json
from airflow_mlcraft.serving.http.errors import RequestError
from airflow_mlcraft.serving.http.request_reader import RequestReader
from airflow_mlcraft.serving.model.state import load_predictor
from tests.ml.samples import Steps

PARTS = ("--train", "train.parquet", "--recipe", "recipe.json", "--folds", "0")
FAST = {"random_forest": {"n_estimators": 10}, "hist_gradient_boosting": {"max_iter": 10}}


def generate_homes(rows: int = 900) -> pd.DataFrame:
    """Few categories, some 60, several hundred; numbers, truth values and days; gaps in most."""
    random = np.random.default_rng(3)
    district, street = random.integers(0, 60, rows), random.integers(0, 300, rows)
    area = random.normal(80, 20, rows).round(1)
    days = pd.to_datetime("2020-01-01") + pd.to_timedelta(random.integers(0, 900, rows), unit="D")
    frame = pd.DataFrame(
        {
            "area": area,
            "rooms": random.integers(1, 7, rows),
            "kind": random.choice(["flat", "house", "loft"], rows),
            "district": [f"D{number}" for number in district],
            "street": [f"Street {number}" for number in street],
            "garden": random.random(rows) < 0.4,
            "built": days.strftime("%Y-%m-%d"),
        }
    )
    frame["target"] = (area * 10 + district * 30 + street % 17 * 20).round()
    frame.loc[::9, "area"] = np.nan
    frame.loc[4::17, ["kind", "district", "street"]] = None
    frame.loc[5::19, "built"] = None
    return frame


HOSTILE: list[dict[str, Any]] = [
    {"district": "never seen", "street": "never seen", "kind": "never seen"},
    {"district": None, "street": None, "kind": None, "built": None, "area": None},
    {"district": "", "street": " Street 1", "kind": "Flat"},
    {"district": "D1 ", "street": "Street 1\u00a0", "kind": "(missing)"},
    {"district": "nan", "street": "NaN", "kind": "NA"},
    {"area": 1e30, "rooms": 2**40},
    {"area": -0.0, "rooms": -1, "built": "1999-12-31"},
    {"built": "2024-02-29", "garden": True},
]


@pytest.fixture(scope="module", params=["regression", "two classes", "three classes"])
def processed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Steps:
    folder = tmp_path_factory.mktemp("homes")
    frame = generate_homes()
    if request.param != "regression":
        cuts = 2 if request.param == "two classes" else 3
        frame["target"] = pd.qcut(frame["target"], cuts, labels=["low", "mid", "high"][:cuts]).astype(str)
    frame.to_csv(folder / "data.csv", index=False)
    steps = Steps(folder)
    steps.run_checked("process", "--data", "data.csv", "--target", "target")
    return steps


@pytest.mark.parametrize("name", ["linear", "random_forest", "hist_gradient_boosting"])
def test_hostile_rows(processed: Steps, name: str) -> None:
    folder = processed.folder
    task = from_json(json.loads((folder / "recipe.json").read_text())).task
    model = {"linear": "ridge" if task == "regression" else "logistic_regression"}.get(name, name)
    processed.run_checked("train", *PARTS, "--model", model, "--params", json.dumps(FAST.get(name, {})))
    usual = json.loads(generate_homes().drop(columns="target").head(1).to_json(orient="records"))[0] | {
        "area": 70.5, "kind": "flat", "district": "D1", "street": "Street 1", "built": "2020-05-31",
    }  # fmt: skip
    rows = [usual, *(usual | odd for odd in HOSTILE)]
    (folder / "new.json").write_text(json.dumps(rows))
    processed.run_checked("predict", "--model", "model", "--data", "new.json")
    predictions = pd.read_csv(folder / "predictions.csv", keep_default_na=False)
    predictor = load_predictor(folder / "model")
    assert predictor.implementation == "arrays"
    reader = RequestReader(predictor.signature, 100)
    served = predictor.predict(reader.read_records(rows))
    alone = np.concatenate([predictor.predict(reader.read_records([row])) for row in rows])
    frame = pd.DataFrame(rows).astype({"built": "datetime64[us]", "rooms": "float64", "area": "float64"})
    texts = dict.fromkeys(("kind", "district", "street"), object)
    frame = frame.astype(texts).where(frame.notna(), np.nan).astype({"built": "datetime64[us]", "garden": bool})
    logged = mlflow.pyfunc.load_model(str(folder / "model")).predict(frame)
    if task == "regression":
        for found in (served, alone, logged):
            np.testing.assert_allclose(np.asarray(found), predictions["prediction"].astype(float), rtol=1e-9)
        return
    assert list(served) == list(alone) == list(logged) == list(predictions["prediction"])
    probabilities = predictor.probabilities(reader.read_records(rows))
    wanted = predictions[[f"probability_{label}" for label in predictor.classes or ()]].to_numpy(float)
    np.testing.assert_allclose(probabilities, wanted, rtol=1e-9)


@pytest.fixture(scope="module")
def forest(tmp_path_factory: pytest.TempPathFactory) -> Steps:
    folder = tmp_path_factory.mktemp("forest")
    generate_homes().to_csv(folder / "data.csv", index=False)
    steps = Steps(folder)
    steps.run_checked("process", "--data", "data.csv", "--target", "target", "--scale", "standard")
    steps.run_checked("train", *PARTS, "--model", "random_forest", "--params", '{"n_estimators": 10}')
    return steps


@pytest.mark.parametrize("word", ["NA", "null", "N/A", "nan", "", "#N/A"])
def test_csv_texts_of_a_missing_value(forest: Steps, word: str) -> None:
    line = f"area,rooms,kind,district,street,garden,built\n{word or ''},3,{word},{word},{word},true,{word}\n"
    (forest.folder / "new.csv").write_text(line * 1 + "70.5,3,flat,D1,Street 1,false,2020-05-31\n")
    forest.run_checked("predict", "--model", "model", "--data", "new.csv")
    predictor = load_predictor(forest.folder / "model")
    table = RequestReader(predictor.signature, 10).read_csv((forest.folder / "new.csv").read_bytes())
    assert table.texts[0].tolist() == [None] * 4
    np.testing.assert_allclose(
        predictor.predict(table), pd.read_csv(forest.folder / "predictions.csv")["prediction"], rtol=1e-9
    )


def test_numbers_that_trees_cannot_hold(tmp_path: Path) -> None:
    """Small numbers in training, so that a scaled one leaves the range of 32 bits."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"x": random.normal(0, 1e-3, 200), "n": random.normal(size=200)})
    frame.assign(target=frame["n"] > 0).to_csv(tmp_path / "data.csv", index=False)
    steps = Steps(tmp_path)
    steps.run_checked("process", "--data", "data.csv", "--target", "target")
    steps.run_checked("train", *PARTS, "--model", "random_forest", "--params", '{"n_estimators": 5}')
    row = {"x": 3.4e38, "n": 0.5}
    (tmp_path / "new.json").write_text(json.dumps([row]))
    assert "cannot answer these rows" in steps.run_for_error("predict", "--model", "model", "--data", "new.json")
    predictor = load_predictor(tmp_path / "model")
    with pytest.raises(ValueError, match="too large"):
        predictor.predict(RequestReader(predictor.signature, 10).read_records([row]))


@pytest.mark.parametrize("day", ["2020-W10-3", "20200304", "2020-03", "2020", "04/03/2020", "2020-02-30"])
def test_invalid_dates_are_refused(forest: Steps, day: str) -> None:
    row = {"area": 70.5, "rooms": 3, "kind": "flat", "district": "D1", "street": "S", "garden": True, "built": day}
    (forest.folder / "day.json").write_text(json.dumps([row]))
    assert "expected a date" in forest.run_for_error("predict", "--model", "model", "--data", "day.json")
    predictor = load_predictor(forest.folder / "model")
    with pytest.raises(RequestError, match="expected a time"):
        RequestReader(predictor.signature, 10).read_records([row])


def test_a_column_called_self(tmp_path: Path) -> None:
    frame = generate_homes(200).rename(columns={"area": "self", "rooms": "frame", "kind": "index"})
    frame.to_csv(tmp_path / "data.csv", index=False)
    steps = Steps(tmp_path)
    steps.run_checked("process", "--data", "data.csv", "--target", "target")
    steps.run_checked("train", *PARTS, "--model", "ridge")
    steps.run_checked("evaluate", "--models", "model", "--test", "test.parquet", "--train", "train.parquet")
    steps.run_checked("predict", "--model", "model", "--data", "data.csv")
