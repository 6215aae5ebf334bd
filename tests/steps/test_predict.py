"""predict: all columns and the prediction, for raw data as it was before process."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from airflow_mlcraft.ml.data import batches, csv_file
from tests.ml.samples import generate_mixed_table
from tests.steps.processed import PARTS, process_diabetes, process_table


def test_classes_with_probabilities(tmp_path: Path) -> None:
    steps = process_table(tmp_path)
    steps.run_checked("train", *PARTS, "--model", "random_forest")
    steps.run_checked("predict", "--model", "model", "--data", "data.csv")
    found = pd.read_csv(tmp_path / "predictions.csv")
    assert list(found.columns) == [
        *generate_mixed_table().columns,
        "prediction",
        "probability_short",
        "probability_tall",
    ]
    assert np.allclose(found["probability_short"] + found["probability_tall"], 1)
    assert (found["prediction"] == np.where(found["probability_tall"] > 0.5, "tall", "short")).mean() > 0.99
    record = json.loads((tmp_path / "record.json").read_text())
    assert record["metrics"] == {"rows": 120}
    assert record["artifacts"] == [{"port": "predictions", "folder": ""}]
    again = (tmp_path / "predictions.csv").read_bytes()
    steps.run_checked("predict", "--model", "model", "--data", "data.csv")
    assert (tmp_path / "predictions.csv").read_bytes() == again


def test_numbers(tmp_path: Path) -> None:
    steps = process_diabetes(tmp_path)
    steps.run_checked("train", *PARTS, "--model", "linear_regression", "--folds", "0")
    steps.run_checked("predict", "--model", "model", "--data", "test.parquet")
    columns = list(pd.read_csv(tmp_path / "predictions.csv").columns)
    assert columns[-1] == "prediction" and not any(name.startswith("__") for name in columns)


def test_rows_as_they_come(tmp_path: Path) -> None:
    """New categories, missing values, numbers as text, other columns and another order are no trouble."""
    steps = process_table(tmp_path)
    steps.run_checked("train", *PARTS, "--model", "logistic_regression", "--folds", "0")
    rows = [
        {"extra": 1, "day": "2030-01-01", "wild": "true", "colour": "ultraviolet", "leaves": "3", "size": 9.5},
        {"extra": 2, "day": None, "wild": None, "colour": None, "leaves": 4, "size": None},
    ]
    (tmp_path / "new.json").write_text(json.dumps(rows))
    steps.run_checked("predict", "--model", "model", "--data", "new.json")
    assert pd.read_csv(tmp_path / "predictions.csv")["prediction"].notna().all()


def test_refusals(tmp_path: Path) -> None:
    steps = process_table(tmp_path)
    steps.run_checked("train", *PARTS, "--model", "naive_bayes", "--folds", "0")
    generate_mixed_table().drop(columns="leaves").rename(columns={"size": "leavs"}).to_csv(
        tmp_path / "less.csv", index=False
    )
    sentence = steps.run_for_error("predict", "--model", "model", "--data", "less.csv")
    assert "the data lacks the column 'leaves' that the model needs; did you mean 'leavs'?" in sentence
    generate_mixed_table().assign(prediction=1).to_csv(tmp_path / "taken.csv", index=False)
    assert "a column 'prediction' already" in steps.run_for_error("predict", "--model", "model", "--data", "taken.csv")
    (tmp_path / "none.csv").write_text("size,leaves\n")
    assert "none.csv has no rows" in steps.run_for_error("predict", "--model", "model", "--data", "none.csv")
    (tmp_path / "model" / "model.skops").write_bytes(b"broken")
    assert "model.skops" in steps.run_for_error("predict", "--model", "model", "--data", "data.csv")


def test_batches_give_what_one_batch_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = process_table(tmp_path)
    steps.run_checked("train", *PARTS, "--model", "random_forest", "--folds", "0")
    pd.concat([generate_mixed_table()] * 20).to_parquet(tmp_path / "many.parquet")
    steps.run_checked("predict", "--model", "model", "--data", "many.parquet")
    whole = (tmp_path / "predictions.csv").read_bytes()
    monkeypatch.setattr(batches, "BATCH_ROWS", 77)
    steps.run_checked("predict", "--model", "model", "--data", "many.parquet")
    assert (tmp_path / "predictions.csv").read_bytes() == whole


def test_a_late_row_that_does_not_fit_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = process_table(tmp_path)
    steps.run_checked("train", *PARTS, "--model", "naive_bayes", "--folds", "0")
    monkeypatch.setattr(csv_file, "SMALL_BLOCK", 1 << 10)
    many = pd.concat([generate_mixed_table()] * 3).astype({"size": object})
    many.iloc[300, many.columns.get_loc("size")] = "tiny"
    many.to_csv(tmp_path / "many.csv", index=False)
    assert "'size' of row 301 is 'tiny'; expected a number" in steps.run_for_error(
        "predict", "--model", "model", "--data", "many.csv"
    )
    assert not list(tmp_path.glob("*predictions.csv*"))
