"""Frames from files, and what is said of files that make none."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.data.read import read_frame


def read_text_frame(tmp_path: Path, content: str | bytes, name: str = "data.csv", format: str = "auto") -> pd.DataFrame:  # noqa: A002
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_frame(path, format)


def read_error(tmp_path: Path, content: str | bytes, name: str = "data.csv") -> str:
    with pytest.raises(StepError) as raised:
        read_text_frame(tmp_path, content, name)
    return str(raised.value)


def test_types_are_those_of_all_values(tmp_path: Path) -> None:
    got = read_text_frame(
        tmp_path,
        "i,n,b,t,s,hole,none,clock,mixed\n"
        "1,1,true,2020-01-01,x,1,,10:00,1\n"
        "2,2.5,FALSE,2020-01-02 10:00,NA,,,11:30,x\n"
        "3,1e3,True,2021-01-01T00:00:00,,3,null,12:00,3\n",
    )
    assert got["i"].tolist() == [1, 2, 3]
    assert got["i"].dtype == "int64"
    assert got["n"].tolist() == [1.0, 2.5, 1000.0]
    assert got["b"].tolist() == [True, False, True]
    assert got["b"].dtype == bool
    assert got["t"].tolist() == [
        pd.Timestamp("2020-01-01"),
        pd.Timestamp("2020-01-02 10:00"),
        pd.Timestamp("2021-01-01"),
    ]
    assert got["s"].isna().tolist() == [False, True, True]
    assert np.isnan(got["hole"][1])
    assert got["none"].dtype == "float64"
    assert got["clock"].tolist() == ["10:00", "11:30", "12:00"]
    assert got["mixed"].tolist() == ["1", "x", "3"]


def test_floats_are_exact(tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal(10_000) * 10.0 ** (np.arange(10_000) % 600 - 300)
    pd.DataFrame({"x": values}).to_csv(tmp_path / "data.csv", index=False)
    assert read_frame(tmp_path / "data.csv")["x"].to_numpy().tobytes() == values.tobytes()


def test_dialects_and_encodings_come_out_right(tmp_path: Path) -> None:
    assert read_text_frame(tmp_path, "naïve;b\r\n1,5;Zürich\r\n".encode("cp1252")).to_dict("list") == {
        "naïve": [1.5],
        "b": ["Zürich"],
    }
    for encoding in ("utf-8-sig", "utf-16", "utf-16-be", "utf-32"):
        got = read_text_frame(tmp_path, "ä,b\nß,2\n".encode(encoding))
        assert got.to_dict("list") == {"ä": ["ß"], "b": [2]}
    assert list(read_text_frame(tmp_path, "5.1,setosa\n4.9,virginica\n").columns) == ["column_1", "column_2"]
    assert list(read_text_frame(tmp_path, ", a \n0,x\n").columns) == ["column_1", "a"]
    assert read_text_frame(tmp_path, '\n\n"a\nz",b\n"1\n2",2\n').to_dict("list") == {"a\nz": ["1\n2"], "b": [2]}


def test_huge_fields(tmp_path: Path) -> None:
    limit = csv.field_size_limit()
    assert len(read_text_frame(tmp_path, "a,b\n" + "x" * 5_000_000 + ",1\n")["a"][0]) == 5_000_000
    message = read_error(tmp_path, 'a,b\n1,2\n"' + "x,y\n" * 5_000_000)
    assert "data.csv, line 3: " in message
    assert "a quote that opens there is closed in line 5000002 or never" in message
    assert len(message) < 300
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a,b,c\n1,2,3\n4,5\n", "data.csv, line 3: 2 fields where 3 are expected"),
        ("a,b,c\n1,2,3,4\n", "data.csv, line 2: 4 fields where 3 are expected"),
        ('a,b\n"x\ny",2\n1\n', "data.csv, line 4: 1 field where 2 are expected"),
        ('a,b\n1,2\n"q,3\n4,5\n', "line 3: 1 field where 2 are expected; a quote that opens there is closed in line 4"),
        ("a,b,a\n1,2,3\n", "the column name 'a' is there more than once, as columns 1 and 3"),
        ("", "is empty"),
    ],
)
def test_malformed_csv(content: str, words: str, tmp_path: Path) -> None:
    assert words in read_error(tmp_path, content)


def test_a_byte_that_is_of_no_encoding(tmp_path: Path) -> None:
    content = b"a,b\n" + "é,1\n".encode("cp1252") * 20_000 + b"1,2\n" * 600_000 + b"\x81,2\n"
    assert "data.csv looked like cp1252, but has a byte 0x81" in read_error(tmp_path, content)


def test_json(tmp_path: Path) -> None:
    got = read_text_frame(tmp_path, '[{"a": 1, "b": {"c": [1]}}, {"a": 2.5}]', "x")
    assert got["a"].tolist() == [1.0, 2.5]
    assert got["b.c"][0] == "[1]"
    assert got["b.c"].isna().tolist() == [False, True]
    assert read_text_frame(tmp_path, '{"a": [1, 2], "b": ["x", "y"]}', "x").to_dict("list") == {
        "a": [1, 2],
        "b": ["x", "y"],
    }
    assert read_text_frame(tmp_path, '{"total": 2, "rows": [{"a": 1}, {"a": 2}]}', "x").to_dict("list") == {"a": [1, 2]}
    assert read_text_frame(tmp_path, '{"a": 1}\n\n{"a": "x"}\n', "x").to_dict("list") == {"a": ["1", "x"]}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('[{"a": 1},\n{"a":', "line 2, column 6: this is no JSON"),
        ('{"a": 1}\n{"a": \n', "line 2, column 1: this is no JSON"),
        ('{"a": 1}\n[2]\n', "line 2: list where an object is expected"),
        ("[1, 2]", "JSON, but no table"),
        ('{"a": [1], "b": [1, 2]}', "JSON, but no table"),
        ("[" * 100_000, "JSON"),
    ],
)
def test_json_that_is_no_table(content: str, words: str, tmp_path: Path) -> None:
    assert words in read_error(tmp_path, content, "x")


def test_parquet(tmp_path: Path) -> None:
    kept = pd.DataFrame({"a": [1, 2], "b": pd.Categorical(["x", "y"])}, index=pd.Index(["p", "q"], name="id"))
    kept.to_parquet(tmp_path / "x")
    pd.testing.assert_frame_equal(read_frame(tmp_path / "x"), kept.reset_index())
    assert "broken Parquet file" in read_error(tmp_path, b"PAR1" + bytes(100) + b"PAR1", "y")
    spoilt = bytearray((tmp_path / "x").read_bytes())
    spoilt[20:60] = bytes(40)
    assert "broken Parquet file" in read_error(tmp_path, bytes(spoilt), "y")


def test_text(tmp_path: Path) -> None:
    assert read_text_frame(tmp_path, "Hello,\r\nworld: all\n\nof you\n", "x.txt").to_dict("list") == {
        "text": ["Hello,", "world: all", "", "of you"]
    }


def test_a_thousand_columns(tmp_path: Path) -> None:
    names = [f"c{place}" for place in range(1000)]
    got = read_text_frame(tmp_path, ",".join(names) + "\n" + ",".join("1" for _ in names) + "\n")
    assert list(got.columns) == names
