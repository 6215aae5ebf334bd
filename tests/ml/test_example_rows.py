"""Example rows: of the data's columns and types, and no row of the data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from airflow_mlcraft.ml.example_rows import example_rows
from airflow_mlcraft.serving.model.folder import read_model_folder
from airflow_mlcraft.serving.model.predictor import Predictor
from tests.ml.samples import generate_mixed_table
from tests.steps.processed import PARTS, process_table


def generate_people(rows: int = 60) -> pd.DataFrame:
    chance = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "age": chance.integers(18, 80, rows),
            "income": chance.normal(30_000, 9_000, rows),
            "city": chance.choice(["Basel", "Bern", "Zug"], rows),
            "member": chance.random(rows) < 0.5,
            "born": pd.to_datetime("1960-01-01") + pd.to_timedelta(chance.integers(0, 9000, rows), unit="D"),
            "name": [f"Somebody {row}" for row in range(rows)],
            "empty": [np.nan] * rows,
        }
    )


def test_types_ranges_and_names() -> None:
    frame = generate_people()
    made = example_rows(frame)
    assert made.dtypes.drop("name").equals(frame.dtypes.drop("name"))
    assert len(made) == 5
    assert made["age"].between(frame["age"].min(), frame["age"].max()).all()
    assert set(made["city"]) == {"Basel", "Bern", "Zug"}
    assert set(made["member"]) == {True, False}
    assert set(made["name"]) == {"text"}
    assert made["born"].dt.normalize().equals(made["born"])
    assert made["empty"].isna().all()


def test_no_row_is_one_of_the_data() -> None:
    frame = generate_people().drop(columns=["name", "empty"])
    assert frame.merge(example_rows(frame)).empty


def test_few_rows_and_extremes() -> None:
    frame = pd.DataFrame({"x": [-1.7e308, 1.7e308], "y": [3, 3], "z": ["a", None]})
    made = example_rows(frame)
    assert np.isfinite(made["x"]).all()
    assert set(made["y"]) == {3}


def test_a_trained_model_shows_none_of_its_rows(tmp_path: Path) -> None:
    """Neither in its folder nor where the server describes it; and it answers them."""
    steps = process_table(tmp_path, generate_mixed_table())
    steps.run_checked("train", *PARTS, "--model", "logistic_regression", "--folds", "0")
    split = json.loads((tmp_path / "model" / "serving_input_example.json").read_text())["dataframe_split"]
    example = pd.DataFrame(split["data"], columns=split["columns"])
    train = pd.read_parquet(tmp_path / "train.parquet")
    pairs = ["size", "leaves"]
    assert not set(map(tuple, train[pairs].to_numpy())) & set(map(tuple, example[pairs].to_numpy()))
    predictor = Predictor(read_model_folder(tmp_path / "model"))
    assert len(predictor.predict(predictor.example)) == 5
