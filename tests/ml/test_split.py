"""Splits: seeded, stratified, grouped, by time, and what they refuse."""

from __future__ import annotations

import pandas as pd
import pytest
from sklearn.model_selection import train_test_split

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.split import Split, split
from tests.ml.samples import iris


def test_at_random_as_scikit_learn_does() -> None:
    frame = iris()
    train, test = split(frame, Split(test_size=0.3, seed=5))
    expected = train_test_split(frame, test_size=0.3, random_state=5)
    pd.testing.assert_frame_equal(train, expected[0])
    pd.testing.assert_frame_equal(test, expected[1])
    assert not train.index.equals(split(frame, Split(test_size=0.3, seed=6))[0].index)
    assert len(split(frame, Split(test_size=7))[1]) == 7


def test_stratified_as_scikit_learn_does() -> None:
    frame = iris()
    train, test = split(frame, Split("stratify", "target", 0.2, 1))
    expected = train_test_split(frame, test_size=0.2, random_state=1, stratify=frame["target"])
    pd.testing.assert_frame_equal(train, expected[0])
    assert test["target"].value_counts().tolist() == [10, 10, 10]


def test_groups_stay_together() -> None:
    frame = pd.DataFrame({"who": [f"p{number % 9}" for number in range(90)], "x": range(90)})
    train, test = split(frame, Split("group", "who", 0.3, 4))
    assert not set(train["who"]) & set(test["who"])
    assert test["who"].nunique() == 3
    two = frame[frame["who"].isin(["p0", "p1"])]
    assert split(two, Split("group", "who", 0.1))[1]["who"].nunique() == 1


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
        (Split("stratify", "kind"), "two rows of each class of 'kind'.*'c'"),
        (Split("stratify", "pair", 1), "2 classes of 'pair' in both parts.*1 for testing"),
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
