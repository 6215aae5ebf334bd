"""A file in batches gives the rows and the types of the whole file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.data import batches, csv_file
from airflow_mlcraft.ml.data.read import read_frame


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "SMALL_BLOCK", 1 << 12)
    monkeypatch.setattr(batches, "BATCH_ROWS", 100)
    monkeypatch.setattr("airflow_mlcraft.ml.data.json_file.CHUNK_ROWS", 100)


def check_equal(path: Path) -> list[pd.DataFrame]:
    """Give the batches after comparing them with the whole."""
    whole = read_frame(path)
    made = list(batches.read_batches(path))
    assert len(made) > 1
    for name in whole.columns:
        assert {str(frame[name].dtype) for frame in made} == {str(whole[name].dtype)}, name
    pd.testing.assert_frame_equal(pd.concat(made, ignore_index=True), whole)
    return made


def generate_late_types(rows: int = 2000) -> pd.DataFrame:
    """Columns whose type shows late in the file."""
    number = np.arange(rows)
    late = number > rows - 10
    day = pd.Timestamp("2020-01-01") + pd.to_timedelta(number, unit="D")
    return pd.DataFrame(
        {
            "whole": number,
            "gap": pd.Series(number, dtype="Int64").mask(late),
            "float late": np.where(late, number + 0.5, number),
            "text late": np.where(late, "unknown", number.astype(str)),
            "truth": number % 2 == 0,
            "truth gap": pd.Series(number % 2 == 0, dtype="boolean").mask(late),
            "date": day.strftime("%Y-%m-%d"),
            "time late": np.where(late, day.strftime("%Y-%m-%d 10:00:01"), day.strftime("%Y-%m-%d")),
            "clock": [f"{n % 24:02}:30" for n in number],
            "zip": [f"{n:05}" for n in number],
            "note": [f'say "{n}",\nthen' if n % 7 == 0 else "a,b;c" for n in number],
            "none": None,
            "number and truth": np.where(late, "true", "1"),
        }
    )


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv(tmp_path: Path, separator: str) -> None:
    generate_late_types().to_csv(tmp_path / "data.csv", sep=separator, index=False)
    check_equal(tmp_path / "data.csv")


def test_decimal_commas_and_other_encodings(tmp_path: Path) -> None:
    lines = "".join(f"{n},5;Zürich;{n}\r\n" for n in range(2000))
    (tmp_path / "data.csv").write_bytes(f"wert;stadt;nr\r\n{lines}".encode("cp1252"))
    made = check_equal(tmp_path / "data.csv")
    assert made[0]["wert"].tolist()[:2] == [0.5, 1.5]


def test_parquet_with_gaps_in_the_last_rows(tmp_path: Path) -> None:
    generate_late_types().drop(columns="none").to_parquet(tmp_path / "data.parquet")
    check_equal(tmp_path / "data.parquet")


def test_json_lines_with_a_column_that_comes_late(tmp_path: Path) -> None:
    frame = generate_late_types()
    lines = frame.drop(columns=["none"]).to_json(orient="records", lines=True)
    (tmp_path / "data.jsonl").write_text(lines + '{"whole": 1.5, "new": "x"}\n')
    check_equal(tmp_path / "data.jsonl")


def test_a_broken_row_is_named_by_its_line(tmp_path: Path) -> None:
    generate_late_types().assign(note="").to_csv(tmp_path / "data.csv", index=False)
    with (tmp_path / "data.csv").open("a") as handle:
        handle.write("1,2\n")
    with pytest.raises(StepError, match="line 2002: 2 fields where 13 are expected"):
        list(batches.read_batches(tmp_path / "data.csv"))
