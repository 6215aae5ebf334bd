"""Importances: seeded, of the columns as the user knows them, in units of the metric."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from airflow_mlcraft.ml.estimators import build_estimator
from airflow_mlcraft.ml.metrics import METRICS
from airflow_mlcraft.ml.preparation import build_pipeline
from airflow_mlcraft.ml.report.importances import Importance, importances
from tests.ml.samples import diabetes, generate_mixed_table, split_with_recipe


def compute_importances(frame: pd.DataFrame, name: str, metric: str, seed: int = 0) -> list[Importance]:
    recipe, train, test = split_with_recipe(frame)
    model = build_pipeline(recipe, build_estimator(recipe.task, name, {}, 0)).fit(
        recipe.typed(train), recipe.truth(train)
    )
    truth = recipe.truth(test)
    return importances(model, test, truth, METRICS[metric], positive=recipe.positive, seed=seed)


@pytest.mark.parametrize("metric", ["acc", "log_loss", "f1"])
def test_what_matters_comes_first(metric: str) -> None:
    ranked = compute_importances(generate_mixed_table(240), "random_forest", metric)
    assert [one.column for one in ranked[:2]] == ["size", "colour"]
    assert ranked[0].mean > 0, "shuffling makes it worse, whichever way is better"
    assert ranked == compute_importances(generate_mixed_table(240), "random_forest", metric)
    assert ranked != compute_importances(generate_mixed_table(240), "random_forest", metric, seed=1)


def test_a_regression() -> None:
    assert {one.column for one in compute_importances(diabetes(), "ridge", "rmse")[:2]} <= {"bmi", "s5", "s1"}


def test_very_many_columns_are_not_tried() -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(50, 300)), columns=[f"x{place}" for place in range(300)])
    assert compute_importances(frame.assign(target=random.choice(["a", "b"], 50)), "naive_bayes", "acc") == []
