"""What is told of data, by pieces as much as at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from airflow_mlcraft.ml.data import csv_file
from airflow_mlcraft.ml.data.profile import profile_file, profile_frame
from airflow_mlcraft.ml.data.read import read_frame


def write(tmp_path: Path, content: str, name: str = "data.csv") -> Path:
    path = tmp_path / name
    path.write_text(content)
    return path


def test_columns_of_all_types(tmp_path: Path) -> None:
    profile = profile_file(
        write(tmp_path, "i,n,b,t,s,none\n1,1.5,true,2020-01-01,x,\n3,inf,False,2020-01-02 10:00,yy,NA\n")
    )
    assert profile == {
        "format": "csv",
        "encoding": "utf-8",
        "delimiter": ",",
        "quote": '"',
        "decimal": ".",
        "header": True,
        "rows": 2,
        "columns": {
            "i": {"type": "integer", "nulls": 0, "distinct": 2, "min": 1, "max": 3, "mean": 2.0},
            "n": {"type": "number", "nulls": 0, "distinct": 2, "min": 1.5, "max": 1.5, "mean": 1.5, "infinite": 1},
            "b": {"type": "boolean", "nulls": 0, "distinct": 2},
            "t": {
                "type": "time",
                "nulls": 0,
                "distinct": 2,
                "min": "2020-01-01T00:00:00",
                "max": "2020-01-02T10:00:00",
            },
            "s": {"type": "text", "nulls": 0, "distinct": 2, "longest": 2},
            "none": {"type": "empty", "nulls": 2, "distinct": 0},
        },
        "notes": ["the column 'n' has 1 infinite values", "the column 'none' has no value in any row"],
    }


@pytest.mark.parametrize("block", [1 << 22, 64])
def test_pieces_tell_what_the_whole_tells(block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The types of a profile are those of the frame, wherever a column changes its mind."""
    monkeypatch.setattr(csv_file, "SMALL_BLOCK", block)
    rows = ["a,b,c,d,e,f"]
    rows += [f"{place},{place},{place},true,2020-01-01,NA" for place in range(50)]
    rows += [f"{place}.5,x,{place},7,2020-01-02 10:00,5" for place in range(50)]
    path = write(tmp_path, "\n".join(rows) + "\n")
    profile = profile_file(path)
    kinds = {name: column["type"] for name, column in profile["columns"].items()}
    assert kinds == {"a": "number", "b": "mixed", "c": "integer", "d": "mixed", "e": "time", "f": "integer"}
    assert profile["columns"]["b"]["kinds"] == {
        "integer": {"count": 50, "first_row": 1},
        "text": {"count": 50, "first_row": 51},
    }
    assert profile["columns"]["a"] | {"distinct": 100, "min": 0, "max": 49.5, "mean": 24.75} == profile["columns"]["a"]
    assert profile["columns"]["f"]["nulls"] == 50
    whole = profile_frame(read_frame(path))["columns"]
    same = {"mixed": "text", "integer": "number"}
    for name, column in profile["columns"].items():
        assert same.get(column["type"], column["type"]) == same.get(whole[name]["type"], whole[name]["type"])
        assert (column["nulls"], column["distinct"]) == (whole[name]["nulls"], whole[name]["distinct"])


def test_the_same_data_in_each_format_has_the_same_profile(tmp_path: Path) -> None:
    frame = pd.DataFrame({"i": [1, 2, 3], "x": [0.5, np.nan, 2.5], "s": ["a", None, "c"], "b": [True, False, True]})
    frame.to_csv(tmp_path / "data.csv", index=False)
    frame.to_json(tmp_path / "data.json", orient="records")
    frame.to_json(tmp_path / "data.jsonl", orient="records", lines=True)
    frame.to_parquet(tmp_path / "data.parquet")
    profile = [profile_file(tmp_path / f"data.{format}") for format in ("csv", "json", "jsonl", "parquet")]  # noqa: A001
    assert [found["format"] for found in profile] == ["csv", "json", "jsonl", "parquet"]
    for found in profile:
        assert found["rows"] == 3
        assert json.dumps(found["columns"]) == json.dumps(profile_frame(frame)["columns"])


def test_rows_of_json_may_lack_columns(tmp_path: Path) -> None:
    lines = ['{"a": 1}'] * 3 + ['{"a": "x", "b": 2}', '{"b": 10000000000000000000000}']
    profile = profile_file(write(tmp_path, "\n".join(lines), "data.jsonl"))
    assert profile["rows"] == 5
    assert profile["columns"]["a"] == {
        "type": "mixed",
        "nulls": 1,
        "distinct": 2,
        "longest": 1,
        "kinds": {"integer": {"count": 3, "first_row": 1}, "text": {"count": 1, "first_row": 4}},
    }
    assert profile["columns"]["b"]["nulls"] == 3
    assert "text in 1 of 5 rows, unlike the others, first 'x' in row 4" in profile["notes"][0]


def test_numbers_and_times_in_one_column(tmp_path: Path) -> None:
    profile = profile_file(
        write(tmp_path, "a,b\n199999999999999999,x\n2020-01-02T10:00:00Z,y\n2020-01-03T10:00:00Z,z\n")
    )["columns"]["a"]
    assert {name: kind["count"] for name, kind in profile["kinds"].items()} == {"integer": 1, "time": 2}


def test_many_distinct_values_are_not_counted_to_the_end(tmp_path: Path) -> None:
    profile = profile_file(write(tmp_path, "a\n" + "\n".join(map(str, range(3000)))))["columns"]["a"]
    assert (profile["distinct"], profile["distinct_more_than"]) == (None, 1000)


def test_nested_and_other_types_of_parquet(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "list": [[1], [2, 3]],
            "bytes": [b"a", b"b"],
            "category": pd.Categorical(["x", "x"]),
            "span": pd.to_timedelta([1, 2], unit="s"),
            "zone": pd.to_datetime(["2020-01-01", "2020-01-02"]).tz_localize("Europe/Berlin"),
        }
    )
    frame.to_parquet(tmp_path / "data")
    profile = profile_file(tmp_path / "data")["columns"]
    assert {name: column["type"] for name, column in profile.items()} == {
        "list": "text",
        "bytes": "text",
        "category": "text",
        "span": "text",
        "zone": "time",
    }


def test_a_row_that_is_longer_than_a_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "SMALL_BLOCK", 1000)
    rows = [f"{place},x" for place in range(2000)]
    rows[1500] = f"7,{'y' * 5000}"
    profile = profile_file(write(tmp_path, "a,b\n" + "\n".join(rows) + "\n"))
    assert profile["rows"] == 2000
    assert profile["columns"]["a"]["mean"] == pytest.approx((sum(range(2000)) - 1500 + 7) / 2000)
    assert profile["columns"]["b"]["longest"] == 5000


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """What comes on top of the libraries is a few pieces, here of a megabyte, and not the file."""
    path = tmp_path / "large.csv"
    block = "".join(f"{place},{place / 7},some words {place % 13}\n" for place in range(20_000))
    with path.open("w") as handle:
        handle.write("a,b,c\n")
        handle.writelines(block for _ in range(300))
    program = (
        "import resource, sys; from pathlib import Path; import pyarrow.csv, pyarrow.compute;"
        "from airflow_mlcraft.ml.data import csv_file, profile; csv_file.SMALL_BLOCK = 1 << 20;"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; told = profile.profile_file(Path(sys.argv[1]));"
        "print(told['rows'], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    rows, kilobytes = map(int, done.stdout.split())
    assert rows == 6_000_000
    assert kilobytes * 1024 < path.stat().st_size * 0.75
