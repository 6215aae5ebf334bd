"""Rows that stay in their file: batches, columns and single rows are those of the whole frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.data import batches, csv_file
from airflow_mlcraft.ml.data.read import read_frame
from airflow_mlcraft.ml.row_hash import row_hashes
from airflow_mlcraft.steps.data_file import open_data_file
from tests.ml.samples import generate_mixed_table


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH_ROWS", 23)
    monkeypatch.setattr(csv_file, "SMALL_BLOCK", 1 << 10)


@pytest.mark.parametrize("name", ["data.csv", "data.parquet", "data.jsonl"])
def test_all_that_is_read_is_of_the_whole_frame(tmp_path: Path, name: str) -> None:
    writers = {"data.csv": "to_csv", "data.parquet": "to_parquet"}
    if name in writers:
        getattr(generate_mixed_table(), writers[name])(tmp_path / name, index=False)
    else:
        generate_mixed_table().to_json(tmp_path / name, orient="records", lines=True)
    whole = read_frame(tmp_path / name)
    found = open_data_file(tmp_path, name, "data")
    assert len(found) == len(whole)
    assert found.columns == list(whole.columns)
    some = [whole.columns[2], whole.columns[0], "nowhere"]
    pd.testing.assert_frame_equal(found.read_columns(some), whole[[whole.columns[0], whole.columns[2]]])
    places = np.array([0, 22, 23, 60, len(whole) - 1])
    pd.testing.assert_frame_equal(found.take(places), whole.iloc[places])
    assert np.array_equal(found.row_hashes(), row_hashes(whole))
    mask = np.arange(len(whole)) % 3 == 0
    third = found.select_rows(mask)
    pd.testing.assert_frame_equal(pd.concat(list(third.batches())), whole[mask])
    pd.testing.assert_frame_equal(third.take(np.array([1, 5])), whole[mask].iloc[[1, 5]])


def test_an_index_that_was_kept_is_a_column(tmp_path: Path) -> None:
    generate_mixed_table().rename_axis("row").to_parquet(tmp_path / "data.parquet", index=True)
    found = open_data_file(tmp_path, "data.parquet", "data")
    assert found.read_columns(["row"])["row"].tolist() == list(range(len(generate_mixed_table())))


def test_data_without_rows_are_refused(tmp_path: Path) -> None:
    generate_mixed_table().head(0).to_parquet(tmp_path / "data.parquet")
    with pytest.raises(StepError, match="--test: data.parquet has no rows"):
        open_data_file(tmp_path, "data.parquet", "test")
