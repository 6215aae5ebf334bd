"""What kind of values a column holds: decided by the values and by its name, said, and overruled by the user."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.choose_recipe import RecipeOptions, choose_recipe
from airflow_mlcraft.ml.column_kinds import KindOptions, find_ambiguous_dates
from airflow_mlcraft.ml.recipe import Recipe
from airflow_mlcraft.ml.split import Split
from airflow_mlcraft.serving.http.request_reader import RequestReader
from airflow_mlcraft.serving.model.state import load_predictor
from tests.ml.samples import Steps

ROWS = 60
WORDS = ("fine", "nice", "bad", "room", "view", "staff", "food", "clean", "dirty", "near")


def recipe_of(name: str, values: Any, wishes: KindOptions | None = None) -> Recipe:
    frame = pd.DataFrame({name: values, "n": np.arange(ROWS) % 7, "y": ["a", "b"] * (ROWS // 2)})
    return choose_recipe(frame, "y", Split(), RecipeOptions(kinds=wishes or KindOptions()))


def format_dates(form: str, first: int = 1) -> list[str]:
    days = pd.date_range("2024-01-01", periods=ROWS, freq=f"{first}D")
    return [day.strftime(form) for day in days]


def column(recipe: Recipe, name: str) -> tuple[str, str]:
    return next((one.kind, one.format) for one in recipe.columns if one.name == name)


@pytest.mark.parametrize("form", ["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d", "%d/%m/%Y %H:%M", "%d %b %Y"])
def test_dates_are_told_by_their_format(form: str) -> None:
    recipe = recipe_of("joined", format_dates(form))
    assert column(recipe, "joined") == ("date", form)
    assert f"the column 'joined' holds dates as {form}, such as {format_dates(form)[0]!r}" in recipe.notes


def test_dates_that_could_be_either_are_said_and_overruled() -> None:
    values = [f"{place % 12 + 1:02d}/{place % 11 + 1:02d}/2024" for place in range(ROWS)]
    (note,) = recipe_of("joined", values).notes
    assert "holds dates as %d/%m/%Y" in note
    assert 'set dates = { joined = "%m/%d/%Y" }' in note
    recipe = recipe_of("joined", values, KindOptions(dates={"joined": "%m/%d/%Y"}))
    assert column(recipe, "joined") == ("date", "%m/%d/%Y")
    assert recipe.notes == ()
    month = recipe.typed(pd.DataFrame({"joined": ["02/11/2024"], "n": 1}))["joined"].dt.month
    assert month.tolist() == [2]


@pytest.mark.parametrize(
    ("name", "values", "kind", "words"),
    [
        ("zip", [f"{place % 9:05d}" for place in range(ROWS)], "category", "holds codes such as '00000'"),
        ("plz", [10115, 20095, 80331] * 20, "category", "holds postal codes"),
        ("zip_code", [10115, 20095, 80331] * 20, "category", "holds postal codes"),
        ("size", [10115, 20095, 80331] * 20, "number", ""),
        ("mixed", ["1", "2", "x"] * 20, "category", "mixes 40 numbers and 20 texts ('x'): it is taken for text"),
    ],
)
def test_codes_and_mixtures(name: str, values: list[Any], kind: str, words: str) -> None:
    recipe = recipe_of(name, values)
    assert column(recipe, name) == (kind, "")
    assert words in " ".join(recipe.notes)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("id", range(100, 100 + ROWS)),
        ("customerId", [f"c{place}" for place in range(ROWS)]),
        ("uuid", range(ROWS)),
        ("column_1", range(ROWS)),
    ],
)
def test_identifiers_are_left_out(name: str, values: Any) -> None:
    recipe = recipe_of(name, list(values))
    assert recipe.dropped == ({"name": name, "why": f"is an identifier: each of the {ROWS} rows has another"},)
    assert column(recipe_of(name, range(ROWS), KindOptions(types={name: "number"})), name) == ("number", "")


def test_numbers_without_a_name_that_number_no_rows_stay() -> None:
    assert column(recipe_of("column_1", [place * 100 for place in range(ROWS)]), "column_1") == ("number", "")


def test_the_user_says_the_kind() -> None:
    assert column(recipe_of("size", [1, 2, 3] * 20, KindOptions(types={"size": "category"})), "size")[0] == "category"
    codes = [f"{place % 9:05d}" for place in range(ROWS)]
    assert column(recipe_of("zip", codes, KindOptions(types={"zip": "number"})), "zip")[0] == "number"
    for wishes, words in (
        (KindOptions(types={"sise": "number"}), "--types: the data has no column 'sise'; did you mean 'size'?"),
        (KindOptions(types={"size": "zip"}), "'size' is to be 'zip'; expected one of number, category"),
        (KindOptions(dates={"size": "day"}), "'size' has the format 'day'; expected one such as %d/%m/%Y"),
        (KindOptions(dates={"size": "%d/%m/%Y"}), "is no date as %d/%m/%Y"),
        (KindOptions(types={"size": "date"}), "say how they are written"),
    ):
        with pytest.raises(StepError) as told:
            recipe_of("size", ["small", "large", "huge"] * 20, wishes)
        assert words in str(told.value)


def generate_hotels(rows: int = 240) -> pd.DataFrame:
    random = np.random.default_rng(0)
    good = random.random(rows) < 0.5
    days = pd.to_datetime("2024-01-01") + pd.to_timedelta(random.integers(0, 400, rows), unit="D")
    reviews = [" ".join([*random.choice(WORDS, 5), "great" if one else "poor"]) for one in good]
    frame = pd.DataFrame(
        {
            "zip": [f"{number:05d}" for number in random.choice([1234, 2345, 80001], rows)],
            "joined": days.strftime("%d/%m/%Y"),
            "review": reviews,
            "rooms": random.integers(1, 90, rows),
            "target": np.where(good, "yes", "no"),
        }
    )
    frame.loc[::17, "review"] = None
    frame.loc[::19, "joined"] = None
    return frame


@pytest.mark.parametrize("name", ["logistic_regression", "hist_gradient_boosting"])
def test_text_codes_and_dates_are_the_same_for_predict_and_the_server(name: str, tmp_path: Path) -> None:
    frame = generate_hotels()
    frame.to_csv(tmp_path / "data.csv", index=False)
    steps = Steps(tmp_path)
    steps.run_checked("process", "--data", "data.csv", "--target", "target")
    steps.run_checked("train", "--train", "train.parquet", "--recipe", "recipe.json", "--model", name, "--folds", "0")
    assert any("free text: its words are weighed (TF-IDF)" in line for line in steps.log_lines)
    rows = json.loads(frame.drop(columns="target").to_json(orient="records"))
    rows += [
        rows[1] | odd
        for odd in (
            {"review": "", "zip": "1234", "joined": "29/02/2024"},
            {"review": "GREAT great, great!", "zip": "never", "joined": "1/2/2024"},
            {"review": "\u00e9t\u00e9 \ud83d\ude00", "zip": "01234 "},
        )
    ]
    (tmp_path / "new.json").write_text(json.dumps(rows))
    steps.run_checked("predict", "--model", "model", "--data", "new.json")
    predictions = pd.read_csv(tmp_path / "predictions.csv")
    assert (predictions["prediction"].head(len(frame)) == frame["target"]).mean() > 0.9
    predictor = load_predictor(tmp_path / "model")
    assert predictor.implementation == "arrays"
    reader = RequestReader(predictor.signature, 1000)
    np.testing.assert_allclose(
        predictor.probabilities(reader.read_records(rows))[:, 1], predictions["probability_yes"], rtol=1e-9, atol=1e-12
    )
    csv = frame.drop(columns="target").to_csv(index=False)
    (tmp_path / "new.csv").write_text(csv)
    steps.run_checked("predict", "--model", "model", "--data", "new.csv")
    assert pd.read_csv(tmp_path / "predictions.csv")["probability_yes"].equals(
        predictions["probability_yes"].head(len(frame))
    )
    table = reader.read_csv(csv.encode())
    np.testing.assert_allclose(
        predictor.probabilities(table)[:, 1], predictions["probability_yes"].head(len(frame)), rtol=1e-9, atol=1e-12
    )
    wrong = [rows[1] | {"joined": "2024-13-01"}]
    (tmp_path / "wrong.json").write_text(json.dumps(wrong))
    assert "expected a date as %d/%m/%Y" in steps.run_for_error("predict", "--model", "model", "--data", "wrong.json")
    with pytest.raises(ValueError, match="expected a date as %d/%m/%Y"):
        predictor.predict(reader.read_records(wrong))


def test_codes_of_a_file_keep_their_zeros(tmp_path: Path) -> None:
    from airflow_mlcraft.ml.data.batches import read_batches
    from airflow_mlcraft.ml.data.read import read_frame

    (tmp_path / "codes.csv").write_text("zip,n,day,clock\n01234,1,01/02/2024,08:30\n99999,2,01/03/2024,09:30\n")
    found = read_frame(tmp_path / "codes.csv")
    assert found["zip"].tolist() == ["01234", "99999"]
    assert found["n"].tolist() == [1, 2]
    (batch,) = read_batches(tmp_path / "codes.csv")
    assert batch["zip"].tolist() == ["01234", "99999"]


def test_what_became_of_columns_is_in_the_report(tmp_path: Path) -> None:
    generate_hotels().assign(id=range(240), same=1).to_csv(tmp_path / "data.csv", index=False)
    steps = Steps(tmp_path)
    steps.run_checked("process", "--data", "data.csv", "--target", "target")
    steps.run_checked(
        "train", "--train", "train.parquet", "--recipe", "recipe.json", "--model", "naive_bayes", "--folds", "0"
    )
    steps.run_checked("evaluate", "--models", "model", "--test", "test.parquet")
    report = (tmp_path / "report.md").read_text()
    for words in ("is an identifier", "has one value only", "holds dates as", "free text"):
        assert words in report


def test_dates_that_can_be_read_in_two_ways() -> None:
    frame = pd.DataFrame(
        {
            "either": ["03/04/2024", "05/06/2024"],
            "day": ["13/04/2024", "05/06/2024"],
            "iso": ["2024-04-03"] * 2,
            "n": [1, 2],
        }
    )
    either = {"example": "03/04/2024", "day_first": "%d/%m/%Y", "month_first": "%m/%d/%Y"}
    assert find_ambiguous_dates(frame) == {"either": either}
    assert find_ambiguous_dates(frame, KindOptions(dates={"either": "%m/%d/%Y"})) == {}
