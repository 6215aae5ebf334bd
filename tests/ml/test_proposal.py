"""What a table suggests: groups, times, rare classes, targets; and no false alarms on tables without them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.proposal import find_group, find_time, is_money, propose


def generate_panel_data(people: int = 595, years: int = 7, name: str = "nr") -> pd.DataFrame:
    """Wages of people over years."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {name: np.repeat(np.arange(people) + 13, years), "year": np.tile(1976 + np.arange(years), people)}
    )
    frame["education"] = np.repeat(random.integers(4, 18, people), years)
    frame["weeks"] = random.integers(5, 53, len(frame))
    return frame.assign(wage=0.1 * frame["education"] + random.normal(size=len(frame)))


@pytest.mark.parametrize("name", ["wine", "iris", "diabetes", "breast_cancer", "digits"])
def test_no_false_alarm(name: str) -> None:
    found = propose(getattr(datasets, f"load_{name}")(as_frame=True).frame)
    assert (found.target, found.group, found.time, found.stratify, found.positive) == ("target", "", "", False, "")
    assert found.metric == ("rmse" if name == "diabetes" else "acc")


def test_features_that_repeat_are_no_groups() -> None:
    random = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "id": range(3000),
            "age": random.integers(18, 80, 3000),
            "zip": random.integers(10000, 10400, 3000),
            "year": random.integers(2000, 2020, 3000),
            "town": random.choice([f"town {place}" for place in range(200)], 3000),
            "y": random.normal(size=3000),
        }
    )
    assert find_group(frame, "y") is None


@pytest.mark.parametrize("name", ["person_id", "PatientID", "customer id", "user", "subject_no", "session_id"])
def test_a_group_by_its_name(name: str) -> None:
    found = find_group(generate_panel_data(name=name).drop(columns="year"), "wage")
    assert found is not None
    assert (found.column, found.values, found.rows) == (name, 595, 4165)


def test_a_panel_without_a_name_that_says_so() -> None:
    found = propose(generate_panel_data())
    assert (found.target, found.prediction, found.group, found.time) == ("wage", "regression", "nr", "")
    assert any("nr has 595 values over 4,165 rows" in note for note in found.notes)
    assert find_group(generate_panel_data().drop(columns="year"), "wage") is None


def test_the_person_counts_more_than_another_id() -> None:
    frame = generate_panel_data(name="person_id").assign(branch_id=lambda found: found["person_id"] % 100)
    found = find_group(frame, "wage")
    assert found is not None
    assert found.column == "person_id"
    assert "rows of one person on both sides of the split make scores too good" in found.sentence


def test_copies_of_a_row_are_no_group() -> None:
    frame = pd.concat([generate_panel_data().drop_duplicates("nr").rename(columns={"nr": "user_id"})] * 2)
    assert find_group(frame, "wage") is None


def test_rows_in_the_order_of_time() -> None:
    frame = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=300).astype(str), "sales": np.arange(300) * 1.5})
    assert find_time(frame, "sales") == "day"
    assert propose(frame).time == "day"
    mixed = frame.sample(frac=1, random_state=0)
    assert find_time(mixed, "sales") == ""
    assert any('set [data] time = "day"' in note for note in propose(mixed).notes)
    assert find_time(frame.rename(columns={"day": "birth_date"}), "sales") == ""


def test_a_rare_class() -> None:
    frame = pd.DataFrame({"x": np.arange(3000.0), "fraud": ["yes"] * 10 + ["no"] * 2990})
    found = propose(frame)
    assert (found.target, found.prediction, found.positive, found.stratify) == ("fraud", "classification", "yes", True)
    assert found.metric != "acc"
    assert any("10 of 3,000 rows (0.3%) are of the class 'yes'" in note and "0.997" in note for note in found.notes)
    three = pd.DataFrame({"x": np.arange(300.0), "y": ["a"] * 150 + ["b"] * 140 + ["c"] * 10})
    assert (propose(three).metric != "acc", propose(three).positive) == (True, "")


def test_amounts_are_numbers_to_predict() -> None:
    assert is_money(pd.Series(["$1,234", "$20", None, "-$3.50"]))
    assert not is_money(pd.Series(["a", "$20", "b"]))
    found = propose(pd.DataFrame({"x": range(4), "price": ["$1,234", "$20", "$7", "$8.50"]}))
    assert (found.target, found.prediction) == ("price", "regression")


def test_what_is_known_stays() -> None:
    frame = generate_panel_data()
    assert propose(frame, "education", "regression").target == "education"
    with pytest.raises(StepError, match="no column 'wages' to predict; did you mean 'wage'"):
        propose(frame, "wages")


def test_rows_without_a_target() -> None:
    frame = generate_panel_data()
    frame.loc[3:13, "wage"] = np.nan
    (note,) = [note for note in propose(frame, "wage").notes if "missing" in note]
    assert "'wage' is missing in 11 of 4,165 rows" in note and "clean_table() of processor.py" in note
    assert not any("missing" in note for note in propose(generate_panel_data(), "wage").notes)
