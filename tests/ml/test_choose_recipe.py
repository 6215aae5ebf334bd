"""Recipes: the kind of each column, what is left out, and what is said."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.choose_recipe import RecipeOptions, choose_recipe
from airflow_mlcraft.ml.estimators import build_estimator
from airflow_mlcraft.ml.preparation import build_pipeline, build_preparation
from airflow_mlcraft.ml.recipe import Recipe, from_json
from airflow_mlcraft.ml.split import Split
from tests.ml.samples import diabetes, generate_mixed_table, iris, split_with_recipe

ROWS = 40


def recipe_of(target: object = None, *, wishes: RecipeOptions | None = None, **columns: object) -> Recipe:
    truth = ["a", "b"] * (ROWS // 2) if target is None else target
    return choose_recipe(pd.DataFrame({**columns, "y": truth}), "y", Split(), wishes or RecipeOptions())


def kind_of(values: object) -> str:
    return recipe_of(x=values, other=range(ROWS)).kinds.get("x", "dropped")


def test_kinds() -> None:
    assert split_with_recipe(generate_mixed_table())[0].kinds == {
        "size": "number", "leaves": "number", "colour": "category", "wild": "boolean", "day": "date",
    }  # fmt: skip
    assert kind_of([1.5, None] * 20) == "number"
    assert kind_of(["1", "2.5"] * 20) == "number"
    assert kind_of(["true", "False"] * 20) == "boolean"
    assert kind_of([True, None] * 20) == "boolean"
    assert kind_of(["2024-01-31T10:00:00Z", "2024-02-01T10:00:00+02:00"] * 20) == "date"
    assert kind_of(["2024-01-31", "2024-02-31"] * 20) == "category"
    assert kind_of(pd.Series(["a", "b"] * 20, dtype="category")) == "category"
    assert kind_of(pd.to_timedelta(range(ROWS), unit="h")) == "number"
    assert kind_of(pd.array([1, None] * 20, dtype="Int64")) == "number"
    assert kind_of(pd.date_range("2024-01-01", periods=ROWS, tz="Europe/Paris")) == "date"


def test_what_is_left_out_and_why() -> None:
    recipe = recipe_of(
        text=[f"text {number}" for number in range(ROWS)],
        same=1,
        empty=[None] * ROWS,
        lists=[[1]] * ROWS,
        infinite=[np.inf, -np.inf] * 20,
        x=range(ROWS),
    )
    assert {one["name"]: one["why"] for one in recipe.dropped} == {
        "text": "is text with 40 different values in 40 rows",
        "same": "has one value only",
        "empty": "has no values",
        "lists": "holds values of type list",
        "infinite": "has no usable values",
    }
    assert recipe.features == ["x"]


def test_mixed_columns_are_told() -> None:
    mostly = recipe_of(x=[*range(ROWS - 1), "n/a?"])
    assert mostly.kinds == {"x": "number"}
    assert mostly.notes == (
        "the column 'x' mixes 39 numbers and 1 texts ('n/a?'): it is taken for numbers, and these are missing",
    )
    assert mostly.nullable == ["x"]
    half = recipe_of(x=[1, "one"] * 20)
    assert half.kinds == {"x": "category"}
    assert "20 texts ('one'): it is taken for text" in half.notes[0]


def test_tasks_and_labels() -> None:
    x = range(ROWS)
    assert recipe_of(x=x).classes == ("a", "b")
    assert recipe_of(x=x).positive == "b"
    assert recipe_of([1.0, 0.0] * 20, x=x).classes == (0, 1)
    assert recipe_of([True, False] * 20, x=x).classes == (False, True)
    assert recipe_of(["1", "0"] * 20, x=x, wishes=RecipeOptions("classification")).classes == (0, 1)
    assert recipe_of(["01", "00"] * 20, x=x).classes == ("00", "01")
    assert recipe_of(range(ROWS), x=x).task == "regression"
    assert recipe_of(["1.5", "2.5"] * 20, x=x, wishes=RecipeOptions("regression")).task == "regression"
    assert recipe_of(x=x, wishes=RecipeOptions(positive="A")).positive == "a"
    assert split_with_recipe(diabetes())[0].task == "regression"
    assert split_with_recipe(iris())[0].positive is None


@pytest.mark.parametrize(
    ("target", "wishes", "words"),
    [
        (["a", None] * 20, RecipeOptions(), "missing in 20 of 40 rows, first in row 2"),
        ([1.0, float("nan")] * 20, RecipeOptions(), "missing in 20 of 40 rows"),
        (["a"] * 40, RecipeOptions(), "one class only, 'a', in the 40 training rows"),
        (["a", "b"] * 20, RecipeOptions("regression"), "has values such as 'a', 'b'"),
        ([1.0, np.inf] * 20, RecipeOptions("regression"), "has values such as 'inf'"),
        ([f"c{number}" for number in range(40)], RecipeOptions(), "40 classes in 40 training rows"),
        (["a", "b"] * 20, RecipeOptions("clustering"), "'clustering'; expected classification or regression"),
        (["a", "b"] * 20, RecipeOptions(positive="c"), "the classes are"),
        (["a", "b", "c", "c"] * 10, RecipeOptions(positive="c"), "expected one of two classes"),
    ],
)
def test_targets_that_cannot_be(target: object, wishes: RecipeOptions, words: str) -> None:
    with pytest.raises(StepError, match=words):
        recipe_of(target, wishes=wishes, x=range(ROWS))


def test_nothing_to_predict_from() -> None:
    with pytest.raises(StepError, match="no column is left.*same: has one value only"):
        recipe_of(same=1)


def test_a_recipe_survives_json() -> None:
    recipe = split_with_recipe(generate_mixed_table())[0]
    again = from_json(json.loads(json.dumps(recipe.to_json())))
    assert again == recipe
    assert again.hash() == recipe.hash()
    with pytest.raises(StepError, match="no recipe"):
        from_json({"version": 0})
    with pytest.raises(StepError, match="damaged"):
        from_json({**recipe.to_json(), "columns": [{"nme": 1}]})


def test_serving_takes_what_training_has_not_seen() -> None:
    recipe, train, test = split_with_recipe(generate_mixed_table())
    made = build_preparation(recipe)
    expected = made.fit_transform(recipe.typed(train)).shape[1]
    strange = test.assign(colour="ultraviolet", size="unknown", day="tomorrow", leaves=[None] * len(test))
    found = made.transform(recipe.typed(strange))
    assert found.shape == (len(test), expected)
    assert np.isfinite(found).all()
    lacking = recipe.typed(test.drop(columns=["colour", "size"]))
    assert np.isfinite(made.transform(lacking)).all()
    with pytest.raises(StepError, match="lacks the column 'leaves'"):
        recipe.typed(test.drop(columns="leaves"))


def test_rare_categories_are_put_together_where_the_user_wants_few_columns() -> None:
    names = [f"c{number}" for number in range(60) for _ in range(60 - number)]
    frame = pd.DataFrame({"x": names, "y": ["a", "b"] * (len(names) // 2)})
    recipe = choose_recipe(frame, "y", Split(), RecipeOptions(max_categories=25))
    made = build_preparation(recipe).fit_transform(recipe.typed(frame), frame["y"])
    assert made.shape[1] == recipe.max_categories == 25
    assert recipe.notes == (
        "the column 'x' has 60 categories; the most frequent have a column each, 25 in all, as max_categories says",
    )
    with pytest.raises(StepError, match="--max-categories is 1; expected 2 or more"):
        choose_recipe(frame, "y", Split(), RecipeOptions(max_categories=1))


@pytest.mark.parametrize(
    ("categories", "rows", "encode", "width"),
    [(25, 60, "one-hot", 25), (60, 1200, "one-hot", 60), (60, 300, "target", 1), (400, 8000, "target", 1)],
)
def test_the_encoding_of_categories_is_chosen_by_the_data(categories: int, rows: int, encode: str, width: int) -> None:
    names = [f"c{number % categories}" for number in range(rows)]
    frame = pd.DataFrame({"x": names, "y": np.random.default_rng(0).normal(size=rows)})
    recipe = choose_recipe(frame, "y", Split(), RecipeOptions("regression"))
    (column,) = recipe.columns
    assert (column.encode, column.categories) == (encode, categories)
    assert build_preparation(recipe).fit_transform(recipe.typed(frame), frame["y"]).shape[1] == width
    assert len(recipe.notes) == (categories > 25)
    assert all(f"'x' has {categories} categories in {rows} rows" in note for note in recipe.notes)


def test_the_mean_target_of_a_category_is_learned_from_other_rows() -> None:
    """Categories that say nothing do not come to know the target of their own rows."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"x": random.integers(0, 400, 1200).astype(str), "y": random.normal(size=1200)})
    frame["x"] = "c" + frame["x"]
    recipe = choose_recipe(frame, "y", Split(), RecipeOptions("regression"))
    made = build_preparation(recipe).fit_transform(recipe.typed(frame), frame["y"])
    assert abs(np.corrcoef(made[:, 0], frame["y"])[0, 1]) < 0.15


def test_histogram_gradient_boosting_takes_categories_as_they_are() -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"n": random.normal(size=900), "x": [f"c{place % 90}" for place in range(900)]})
    frame["y"] = frame["n"] + random.normal(size=90).repeat(10).reshape(90, 10).T.reshape(-1)
    recipe = choose_recipe(frame, "y", Split(), RecipeOptions("regression"))
    estimator = build_estimator("regression", "hist_gradient_boosting", {"max_iter": 5}, 0)
    model = build_pipeline(recipe, estimator).fit(frame, frame["y"])
    assert model[-1].is_categorical_.tolist() == [False, True]
    assert estimator.categorical_features == "from_dtype", "the estimator that was given is left alone"
    unseen = frame.head(2).assign(x=["never seen", None])
    assert np.isfinite(model.predict(unseen)).all()


def test_a_thousand_columns() -> None:
    random = np.random.default_rng(0)
    numbers = pd.DataFrame(random.normal(size=(60, 700)), columns=[f"n{place}" for place in range(700)])
    texts = pd.DataFrame({f"t{place}": random.choice(list("abcdefgh"), 60) for place in range(300)})
    frame = pd.concat([numbers, texts], axis=1).assign(y=["a", "b"] * 30)
    recipe = choose_recipe(frame, "y", Split(), RecipeOptions())
    made = build_preparation(recipe).fit_transform(recipe.typed(frame))
    assert len(recipe.features) == 1000
    assert made.shape == (60, 700 + 300 * 8)


@pytest.mark.parametrize("impute", ["mean", "most_frequent", "zero"])
@pytest.mark.parametrize("scale", ["minmax", "robust", "none"])
def test_wishes_are_followed(impute: str, scale: str) -> None:
    recipe, train, _ = split_with_recipe(generate_mixed_table(), impute=impute, scale=scale)
    made = build_preparation(recipe).fit_transform(recipe.typed(train))
    missing = train["size"].isna().to_numpy()
    there = train["size"].dropna()
    filled = {"mean": there.mean(), "most_frequent": there.mode()[0], "zero": 0.0}[impute]
    if scale == "none":
        assert made[missing, 0] == pytest.approx(filled)
        assert made[~missing, 0].tolist() == there.tolist()
    assert np.isfinite(made).all()
