"""split: the parts are those of the whole frame, whatever the size of the batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from airflow_mlcraft.ml import split as ml_split
from airflow_mlcraft.ml.data import batches, csv_file
from airflow_mlcraft.ml.data.read import read_frame
from airflow_mlcraft.ml.split import Split
from airflow_mlcraft.steps.inputs import write_frame
from tests.ml.samples import Steps, generate_mixed_table

SPLITS = {
    "random": (Split(), ()),
    "some rows": (Split(test_size=31, seed=2), ("--test-size", "31", "--seed", "2")),
    "stratify": (Split("stratify", "target"), ("--stratify", "--target", "target")),
    "group": (Split("group", "leaves"), ("--group", "leaves")),
    "time": (Split("time", "day"), ("--time", "day")),
    "id": (Split(id="note"), ("--id", "note")),
}


@pytest.mark.parametrize("name", ["data.csv", "data.parquet"])
@pytest.mark.parametrize("by", SPLITS)
def test_batches_give_the_parts_of_the_whole(
    by: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    how, words = SPLITS[by]
    getattr(generate_mixed_table(400), "to_csv" if name == "data.csv" else "to_parquet")(tmp_path / name, index=False)
    whole = read_frame(tmp_path / name)
    for port, part in zip(("train", "test"), ml_split.split(whole, how), strict=True):
        write_frame(part, tmp_path / f"whole-{port}.parquet")
    steps = Steps(tmp_path)
    steps.run_checked("split", "--data", name, *words)
    for port in ("train", "test"):
        assert (tmp_path / f"{port}.parquet").read_bytes() == (tmp_path / f"whole-{port}.parquet").read_bytes()
    output = list(steps.log_lines)
    monkeypatch.setattr(batches, "BATCH_ROWS", 37)
    monkeypatch.setattr(csv_file, "SMALL_BLOCK", 1 << 11)
    steps.run_checked("split", "--data", name, *words)
    assert steps.log_lines == output * 2
    for port in ("train", "test"):
        expected = pd.read_parquet(tmp_path / f"whole-{port}.parquet")
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / f"{port}.parquet"), expected)
    assert not list(tmp_path.glob(".split-*"))


def test_columns_of_all_kinds_keep_their_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random, rows = np.random.default_rng(0), 300
    whole = pd.DataFrame({"number": random.integers(0, 9, rows), "text": random.choice(["a", "b"], rows)})
    late, few = whole.index > 200, whole["number"] == 3
    whole["truth"] = (whole["number"] > 4).astype(object).where(~few, None)
    whole["late"] = pd.Series(["here" if one else None for one in late], dtype=object)
    whole["kind"] = pd.Categorical(np.where(late, "z", whole["text"]))
    whole["list"] = [[1, 2] if one else [3] for one in late]
    whole["day"] = pd.Series(pd.date_range("2024-01-01", periods=rows)).dt.date
    whole["zone"] = pd.date_range("2024-01-01", periods=rows, tz="UTC")
    whole["whole"] = whole["number"].astype("Int64").mask(few)
    whole["large"] = random.integers(0, 2**63, rows).astype("uint64")
    whole.to_parquet(tmp_path / "data.parquet")
    steps = Steps(tmp_path)
    steps.run_checked("split", "--data", "data.parquet")
    expected = pd.read_parquet(tmp_path / "train.parquet")
    monkeypatch.setattr(batches, "BATCH_ROWS", 37)
    steps.run_checked("split", "--data", "data.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "train.parquet"), expected)


def test_refusals(tmp_path: Path) -> None:
    steps = Steps(tmp_path)
    generate_mixed_table().to_csv(tmp_path / "data.csv", index=False)
    for option in ("--group", "--time", "--id"):
        sentence = steps.run_for_error("split", "--data", "data.csv", option, "leafs")
        assert f"{option}: the data has no column 'leafs'; did you mean 'leaves'?" in sentence
    sentence = steps.run_for_error("split", "--data", "data.csv", "--id", "size")
    assert "--id size: 11 of 120 rows have no value of it" in sentence
    (tmp_path / "none.csv").write_text("size,leaves\n")
    assert "none.csv has no rows" in steps.run_for_error("split", "--data", "none.csv")
