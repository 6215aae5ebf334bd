"""Nothing in the test part has any influence on a model, whatever is written there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_mlcraft.ml.choose_recipe import RecipeOptions, choose_recipe
from airflow_mlcraft.ml.estimators import build_estimator
from airflow_mlcraft.ml.fit import fit, make_folds
from airflow_mlcraft.ml.preparation import build_pipeline
from airflow_mlcraft.ml.split import Split, split
from tests.ml.samples import Steps, diabetes, generate_mixed_table

OUTPUT_FILES = (
    "train.parquet",
    "recipe.json",
    "model/model.skops",
    "model/model.json",
    "model/MLmodel",
    "metrics.json",
)


def train_and_read_outputs(frame: pd.DataFrame, folder: Path, how: tuple[str, ...] = ()) -> dict[str, bytes]:
    """Process a table and train a model. Returns the content of the output files."""
    folder.mkdir()
    frame.to_csv(folder / "data.csv", index=False)
    steps = Steps(folder)
    part = ("--seed", "3", "--test-size", "0.25")
    steps.run_checked("process", "--data", "data.csv", "--target", "target", *part, "--id", "row", *how)
    parts = ("--train", "train.parquet", "--recipe", "recipe.json")
    steps.run_checked("train", *parts, "--model", "random_forest", "--params", '{"n_estimators": 5}')
    return {name: (folder / name).read_bytes() for name in OUTPUT_FILES}


def overwrite_test_rows(frame: pd.DataFrame, test: pd.Index, **values: Any) -> pd.DataFrame:
    made = frame.astype(dict.fromkeys(values, object))
    for name, value in values.items():
        made.loc[test, name] = value
    return made


POISONS: list[dict[str, Any]] = [
    {"size": 1e12},
    {"size": None, "leaves": None},
    {"size": "broken", "leaves": "many"},
    {"colour": "ultraviolet"},
    {"colour": 7},
    {"wild": "perhaps"},
    {"wild": None},
    {"day": "tomorrow"},
    {"note": "the same"},
    {"target": "tall"},
]


def generate_numbered_rows() -> pd.DataFrame:
    """Rows that keep their side when their values change."""
    return generate_mixed_table().assign(row=range(120))


def test_no_value_of_the_test_part_changes_a_byte_of_the_model(tmp_path: Path) -> None:
    frame = generate_numbered_rows()
    _, test = split(frame, Split(test_size=0.25, seed=3, id="row"))
    clean = train_and_read_outputs(frame, tmp_path / "clean")
    for number, values in enumerate(POISONS):
        assert (
            train_and_read_outputs(overwrite_test_rows(frame, test.index, **values), tmp_path / str(number)) == clean
        ), values


@pytest.mark.parametrize("how", [("--group", "leaves"), ("--time", "day")])
def test_nor_with_groups_or_times(how: tuple[str, str], tmp_path: Path) -> None:
    frame = generate_numbered_rows()
    cut = Split(how[0].removeprefix("--"), how[1], 0.25, 3, "row")
    _, test = split(frame, cut)
    poisoned = overwrite_test_rows(frame, test.index, size=1e12, colour="ultraviolet", wild=None)
    assert train_and_read_outputs(poisoned, tmp_path / "poisoned", how) == train_and_read_outputs(
        frame, tmp_path / "clean", how
    )


def test_the_detector_finds_a_leak(tmp_path: Path) -> None:
    """The same comparison, with a processor that looks at all rows, does tell the difference."""
    frame = generate_numbered_rows()
    _, test = split(frame, Split(test_size=0.25, seed=3, id="row"))
    code = tmp_path / "processor.py"
    code.write_text(
        "def clean_table(frame):\n    return frame[~(frame['size'] > frame['size'].mean())]\n\n\n"
        "def process(frame):\n    return frame\n"
    )
    how = ("--code", str(code))
    leaky = train_and_read_outputs(overwrite_test_rows(frame, test.index, size=1e12), tmp_path / "poisoned", how)
    assert leaky != train_and_read_outputs(frame, tmp_path / "clean", how)


def test_each_fold_prepares_for_itself() -> None:
    """The statistics of a fold are those of its own training rows: a poisoned row is seen by the other folds only."""
    frame = diabetes().head(60)
    how = Split(test_size=0.25, seed=3)
    train, _ = split(frame, how)
    recipe = choose_recipe(train, "target", how, RecipeOptions())
    cuts = make_folds(recipe, train, recipe.truth(train), 3, 0)
    poisoned = train.copy()
    poisoned.iloc[cuts[0][1], 2] = 1e9
    seen = [predict_fold(recipe, part, cuts[0]) for part in (train, poisoned)]
    assert np.array_equal(seen[0], seen[1])


def predict_fold(recipe: Any, train: pd.DataFrame, cut: tuple[Any, Any]) -> Any:
    """The predictions of the fold's model for its training rows, which no test changes."""
    model = build_pipeline(recipe, build_estimator(recipe.task, "ridge", {}, 0))
    features = recipe.typed(train)
    model.fit(features.iloc[cut[0]], recipe.truth(train)[cut[0]])
    return model.predict(features.iloc[cut[0]])


def test_random_labels_cannot_be_learnt(tmp_path: Path) -> None:
    """Where there is nothing to learn, a model that scored well on the test part would have seen it."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(400, 30)), columns=[f"x{number}" for number in range(30)])
    frame["code"] = [f"c{number % 25}" for number in range(400)]
    frame["target"] = random.choice(["a", "b"], 400)
    frame.to_csv(tmp_path / "data.csv", index=False)
    steps = Steps(tmp_path)
    steps.run_checked("process", "--data", "data.csv", "--target", "target", "--test-size", "0.5")
    steps.run_checked("train", "--train", "train.parquet", "--recipe", "recipe.json", "--model", "random_forest")
    steps.run_checked("evaluate", "--models", "model", "--test", "test.parquet")
    models = json.loads((tmp_path / "scores.json").read_text())["models"]
    (scores,) = (model for model in models if model["role"] == "new")
    assert scores["train"]["acc"] == 1
    assert 0.38 < scores["test"]["acc"] < 0.62
    assert 0.38 < scores["cv"]["acc"]["mean"] < 0.62


def test_fitting_alone_reads_only_what_it_is_given() -> None:
    frame = generate_mixed_table()
    how = Split(test_size=0.25, seed=3)
    train, test = split(frame, how)
    recipe = choose_recipe(train, "target", how, RecipeOptions())
    estimator = build_estimator(recipe.task, "logistic_regression", {}, 0)
    model = fit(recipe, train, estimator, name="x", count=0, seed=0, cores=1).model
    scaler = model.named_steps["prepare"].named_transformers_["number"][-1]
    assert scaler.n_samples_seen_ == len(train)
    assert len(model.predict(test)) == len(test)
