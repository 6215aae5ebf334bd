"""Splits: by content, by class, by group, by time, the same in a growing table; and what they refuse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.data.read import read_frame
from airflow_mlcraft.ml.row_hash import row_hashes
from airflow_mlcraft.ml.split import Split, split, split_rows


def split_keys(frame: pd.DataFrame, how: Split, key: str = "row") -> tuple[set[int], set[int]]:
    train, test = split(frame, how)
    assert len(train) + len(test) == len(frame)
    return set(train[key]), set(test[key])


def generate_table(rows: int = 1000) -> pd.DataFrame:
    random = np.random.default_rng(3)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 10**7, rows), unit="s")
    return pd.DataFrame(
        {
            "row": range(rows),
            "x": random.normal(size=rows),
            "who": random.choice([f"p{number}" for number in range(80)], rows),
            "kind": random.choice(["a", "b", "c"], rows, p=[0.6, 0.36, 0.04]),
            "day": days,
            "good": random.random(rows) < 0.5,
        }
    )


@pytest.mark.parametrize(
    "how", [Split(), Split("stratify", "kind"), Split("group", "who"), Split(test_size=0.3, seed=5)]
)
def test_a_growing_table_keeps_every_old_row_on_its_side(how: Split) -> None:
    frame = generate_table()
    for rows in (40, 300, 700):
        before, after = split_keys(frame.head(rows), how), split_keys(frame, how)
        assert before[0] <= after[0]
        assert before[1] <= after[1]


def test_a_number_of_rows_never_takes_from_the_training_part() -> None:
    frame = generate_table()
    for how in (Split(test_size=50), Split("stratify", "kind", 50)):
        before, after = split_keys(frame.head(400), how), split_keys(frame, how)
        assert before[0] <= after[0], "no row that was learned from is tested with"
    assert len(split(frame, Split(test_size=50))[1]) == 50


def test_order_of_rows_and_columns_does_not_matter() -> None:
    frame = generate_table()
    mixed = frame.sample(frac=1, random_state=1)[["day", "kind", "x", "row", "good", "who"]]
    for how in (Split(), Split("stratify", "kind"), Split("group", "who"), Split("time", "day")):
        for one, other in zip(split(frame, how), split(mixed, how), strict=True):
            assert one["row"].tolist() == other["row"].tolist(), "the parts are in one order, whatever the table's was"


def test_the_file_format_does_not_matter(tmp_path: Path) -> None:
    frame = generate_table().drop(columns="row")
    frame.loc[::7, "x"] = None
    frame.loc[3::9, "kind"] = None
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_json(tmp_path / "t.json", orient="records", date_format="iso", double_precision=15)
    frame.astype(str).where(frame.notna(), None).to_json(tmp_path / "texts.jsonl", orient="records", lines=True)
    found = [row_hashes(read_frame(tmp_path / name)) for name in ("t.csv", "t.parquet", "texts.jsonl")]
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])
    assert np.array_equal(found[0], row_hashes(frame))


def test_rows_that_are_equal_share_a_side() -> None:
    frame = pd.concat([generate_table(200)] * 3, ignore_index=True)
    train, test = split_keys(frame, Split())
    assert not train & test


def test_the_share_is_met_about() -> None:
    frame = generate_table(5000)
    assert 0.18 < len(split(frame, Split())[1]) / 5000 < 0.22
    one, other = split_keys(frame, Split()), split_keys(frame, Split(seed=6))
    assert 0.1 < len(one[1] & other[1]) / len(one[1]) < 0.3


def test_each_class_of_two_rows_or_more_is_tested() -> None:
    frame = generate_table(60).assign(kind=["a"] * 50 + ["b"] * 5 + ["c"] * 2 + ["d"] * 2 + ["e"])
    for seed in range(20):
        found = split_rows(frame, Split("stratify", "kind", 0.1, seed))
        assert set(frame["kind"].iloc[found.test]) == {"a", "b", "c", "d"}
        assert set(frame["kind"].iloc[found.train]) == {"a", "b", "c", "d", "e"}
        assert any("no row of 'e' of 'kind'" in note for note in found.notes)


def test_groups_stay_together() -> None:
    frame = generate_table()
    train, test = split(frame, Split("group", "who", 0.3, 4))
    assert not set(train["who"]) & set(test["who"])
    assert 0.15 < test["who"].nunique() / 80 < 0.45
    two = frame[frame["who"].isin(["p0", "p1"])]
    assert split(two, Split("group", "who", 0.1))[1]["who"].nunique() == 1


def test_rows_of_one_time_are_on_one_side() -> None:
    frame = pd.DataFrame({"year": np.repeat(range(2018, 2025), 85), "x": range(595)})
    for share, years in ((0.2, {2024}), (0.25, {2023, 2024}), (100, {2024}), (0.99, set(range(2019, 2025)))):
        found = split_rows(frame, Split("time", "year", share))
        assert set(frame["year"].iloc[found.test]) == years
        assert found.boundary == str(min(years))
        assert not set(frame["year"].iloc[found.train]) & years
    with pytest.raises(StepError, match="all rows have the time 2018"):
        split(frame.head(50), Split("time", "year"))


# What is kept with models has to mean the same in every version of numpy and pandas, and on every machine.
KNOWN = {
    "1": (1, 1.0, "1", " 1 ", np.int8(1), np.float32(1)),
    "0.1": (0.1, "0.1", "0.10", np.float32(0.1)),
    "-0": (0, -0.0, "0"),
    "big": (2**60 + 1, str(2**60 + 1), np.uint64(2**60 + 1)),
    "text": ("plain",),
    "true": (True, "True", "true", np.True_),
    "day": ("2024-05-31", "2024-05-31T00:00:00Z", pd.Timestamp("2024-05-31"), "2024-05-31 02:00+02:00"),
}


HASHES = {
    "1": 16554147262672716696,
    "0.1": 509006477110040418,
    "-0": 1562683628063477223,
    "big": 11581280778194099420,
    "text": 6699713329788068162,
    "true": 7764767270966197477,
    "day": 15129005217148993879,
}


def test_hashes_are_the_same_everywhere() -> None:
    found = {name: {int(row_hashes(pd.DataFrame({"x": [one]}))[0]) for one in values} for name, values in KNOWN.items()}
    assert all(len(values) == 1 for values in found.values()), found
    assert {name: values.pop() for name, values in found.items()} == HASHES


def test_missing_values_and_columns_without_values_count_as_nothing() -> None:
    plain = row_hashes(pd.DataFrame({"x": [1, 2]}))
    for nothing in (None, np.nan, pd.NaT, "", "NA"):
        assert np.array_equal(plain, row_hashes(pd.DataFrame({"x": [1, 2], "new": [nothing, nothing]})))


def test_the_latest_rows_are_for_testing() -> None:
    days = pd.Series(pd.date_range("2024-01-01", periods=20)).sample(frac=1, random_state=2)
    for column in (days, days.dt.strftime("%Y-%m-%d"), days.astype("int64")):
        frame = pd.DataFrame({"day": column.to_numpy(), "x": range(20)})
        train, test = split(frame, Split("time", "day", 0.25))
        assert len(test) == 5
        assert max(train["day"]) < min(test["day"])
        assert train["day"].is_monotonic_increasing


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (Split(test_size=0), "between 0 and 1"),
        (Split(test_size=1.5), "between 0 and 1"),
        (Split(test_size=float("nan")), "between 0 and 1"),
        (Split(test_size=6), "leaves no row"),
        (Split(test_size=0.99), "leaves no row"),
        (Split("group", "one"), "all rows are of one group"),
        (Split("group", "knd"), "no column 'knd'; did you mean 'kind'"),
        (Split("time", "kind"), "'a' is no time"),
        (Split("time", "hole"), "1 of 6 rows have no value"),
        (Split("group", "hole"), "1 of 6 rows have no value"),
    ],
)
def test_refusals(how: Split, words: str) -> None:
    frame = pd.DataFrame(
        {
            "kind": ["a", "a", "b", "b", "a", "c"],
            "pair": [0, 1, 0, 1, 0, 1],
            "one": 1,
            "hole": ["2024-01-01", None, "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-06"],
        }
    )
    with pytest.raises(StepError, match=words):
        split(frame, how)


def test_a_single_row_cannot_be_split() -> None:
    with pytest.raises(StepError, match="1 row;"):
        split(pd.DataFrame({"x": [1]}), Split())
