"""Models are what scikit-learn makes of the same steps by hand, and are the same on any number of cores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.choose_recipe import RecipeOptions, choose_recipe
from airflow_mlcraft.ml.estimators import ESTIMATORS, build_estimator
from airflow_mlcraft.ml.fit import Fitted, fit, make_folds
from airflow_mlcraft.ml.metrics import METRICS
from airflow_mlcraft.ml.recipe import Recipe
from airflow_mlcraft.ml.split import Split
from tests.ml.samples import cancer, diabetes, generate_mixed_table, iris, split_with_recipe


def fit_model(
    recipe: Recipe, train: pd.DataFrame, name: str, *, count: int = 4, cores: int = 1, **params: Any
) -> Fitted:
    estimator = build_estimator(recipe.task, name, params, 5)
    return fit(recipe, train, estimator, name=name, count=count, seed=5, cores=cores)


def build_reference_pipeline(estimator: Any) -> Any:
    return make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), estimator)


CLASSIFIERS = [
    ("logistic_regression", LogisticRegression(max_iter=1000)),
    ("random_forest", RandomForestClassifier(random_state=5)),
    ("gradient_boosting", GradientBoostingClassifier(random_state=5)),
]


@pytest.mark.parametrize(("name", "estimator"), CLASSIFIERS, ids=[name for name, _ in CLASSIFIERS])
def test_classification_by_hand(name: str, estimator: Any) -> None:
    recipe, train, test = split_with_recipe(iris())
    ours = fit_model(recipe, train, name)
    x, y = train.drop(columns="target"), train["target"]
    cv = StratifiedKFold(4, shuffle=True, random_state=5)
    pairs = {"acc": "accuracy", "f1": "f1_macro", "roc_auc": "roc_auc_ovr", "log_loss": "neg_log_loss"}
    for metric, scoring in pairs.items():
        theirs = cross_val_score(build_reference_pipeline(estimator), x, y, cv=cv, scoring=scoring)
        expected = -theirs if metric == "log_loss" else theirs
        assert ours.cv[metric]["folds"] == expected.tolist(), metric
        assert ours.cv[metric]["mean"] == expected.mean()
        assert ours.cv[metric]["std"] == expected.std()
    theirs = build_reference_pipeline(estimator).fit(x, y)
    assert ours.train["acc"] == theirs.score(x, y)
    assert np.array_equal(ours.model.predict_proba(test), theirs.predict_proba(test.drop(columns="target")))


@pytest.mark.parametrize(
    ("name", "estimator"), [("ridge", Ridge(random_state=5)), ("random_forest", RandomForestRegressor(random_state=5))]
)
def test_regression_by_hand(name: str, estimator: Any) -> None:
    recipe, train, test = split_with_recipe(diabetes())
    ours = fit_model(recipe, train, name)
    x, y = train.drop(columns="target"), train["target"]
    cv = KFold(4, shuffle=True, random_state=5)
    pairs = {"rmse": "neg_root_mean_squared_error", "mae": "neg_mean_absolute_error", "r2": "r2"}
    for metric, scoring in pairs.items():
        theirs = cross_val_score(build_reference_pipeline(estimator), x, y, cv=cv, scoring=scoring)
        assert ours.cv[metric]["folds"] == (theirs if metric == "r2" else -theirs).tolist()
    expected = build_reference_pipeline(estimator).fit(x, y).predict(test.drop(columns="target"))
    assert np.array_equal(ours.model.predict(test), expected)


def test_columns_of_all_kinds_by_hand() -> None:
    recipe, train, test = split_with_recipe(generate_mixed_table())
    ours = fit_model(recipe, train, "logistic_regression")

    def extract_features(frame: pd.DataFrame) -> pd.DataFrame:
        days = pd.to_datetime(frame["day"])
        parts = {f"d{part}": getattr(days.dt, part) for part in ("year", "month", "day", "day_of_week", "hour")}
        return pd.DataFrame(
            {
                "size": frame["size"],
                "leaves": frame["leaves"],
                **parts,
                "wild": frame["wild"].astype(float),
                "colour": frame["colour"].fillna("(missing)").astype(object),
            }
        )

    numbers = ["size", "leaves", "dyear", "dmonth", "dday", "dday_of_week", "dhour"]
    prepare = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            ("truth", "passthrough", ["wild"]),
            ("texts", OneHotEncoder(sparse_output=False, handle_unknown="ignore"), ["colour"]),
        ]
    )
    theirs = make_pipeline(prepare, LogisticRegression(max_iter=1000)).fit(extract_features(train), train["target"])
    assert np.allclose(ours.model.predict_proba(test), theirs.predict_proba(extract_features(test)), rtol=1e-9, atol=0)


@pytest.mark.parametrize("task", ESTIMATORS)
def test_there_are_many_estimators(task: str) -> None:
    assert len([name for name in ESTIMATORS[task] if name != "baseline"]) >= 10


FAST = {
    "random_forest": {"n_estimators": 8},
    "extra_trees": {"n_estimators": 8},
    "gradient_boosting": {"n_estimators": 5},
}
FAST |= {"hist_gradient_boosting": {"max_iter": 5}, "neural_network": {"max_iter": 20}}


@pytest.mark.parametrize(("task", "name"), [(task, name) for task, known in ESTIMATORS.items() for name in known])
def test_each_estimator_is_the_same_on_one_core_and_on_two(task: str, name: str) -> None:
    recipe, train, test = split_with_recipe(
        generate_mixed_table() if task == "classification" else diabetes().head(150)
    )
    params = FAST.get(name, {})
    one = fit_model(recipe, train, name, count=3, **params)
    two = fit_model(recipe, train, name, count=3, cores=2, **params)
    assert one.cv == two.cv
    assert one.train == two.train
    assert np.array_equal(one.model.predict(test), two.model.predict(test))
    if task == "classification":
        expected = {"acc", "balanced_acc", "precision", "recall", "f1", "roc_auc", "pr_auc", "log_loss"}
        assert set(one.cv) == expected


def test_a_seed_changes_what_is_random() -> None:
    recipe, train, _ = split_with_recipe(cancer())
    seeded = [build_estimator(recipe.task, "random_forest", {"n_estimators": 5}, seed) for seed in (1, 1, 2)]
    made = [fit(recipe, train, one, name="f", count=0, seed=0, cores=1).train["log_loss"] for one in seeded]
    assert made[0] == made[1] != made[2]


def test_folds_follow_the_split() -> None:
    frame = iris().assign(who=[f"p{number % 13}" for number in range(150)], day=range(150))
    cases = [
        (Split("group", "who"), None, StratifiedGroupKFold(3, shuffle=True, random_state=5)),
        (Split("group", "who"), "regression", GroupKFold(3)),
        (Split("time", "day"), None, TimeSeriesSplit(3)),
        (Split(), None, StratifiedKFold(3, shuffle=True, random_state=5)),
    ]
    for how, task, cutter in cases:
        target = "sepal width (cm)" if task else "target"
        recipe = choose_recipe(frame, target, how, RecipeOptions(task))
        expected = cutter.split(frame, frame[target], frame["who"])
        for ours, theirs in zip(make_folds(recipe, frame, recipe.truth(frame), 3, 5), expected, strict=True):
            assert np.array_equal(ours[0], theirs[0])
            assert np.array_equal(ours[1], theirs[1])


def test_refusals() -> None:
    recipe, train, _ = split_with_recipe(generate_mixed_table())
    for count, words in (
        (1, "2 or more, or 0"),
        (-2, "2 or more"),
        (500, "of 94 training rows"),
        (80, "any class has"),
    ):
        with pytest.raises(StepError, match=words):
            fit_model(recipe, train, "naive_bayes", count=count)
    with pytest.raises(StepError, match="naive_bayes in fold 1 could not be fitted.*var_smoothing"):
        fit_model(recipe, train, "naive_bayes", var_smoothing=-1)
    with pytest.raises(StepError, match="no parameter 'var_smothing'; did you mean 'var_smoothing'"):
        fit_model(recipe, train, "naive_bayes", var_smothing=1)
    with pytest.raises(StepError, match="no model 'random_forrest' for classification; did you mean 'random_forest'"):
        fit_model(recipe, train, "random_forrest")
    with pytest.raises(StepError, match="no model 'lasso' for classification; there are: logistic_regression"):
        fit_model(recipe, train, "lasso")


def test_warnings_are_told_once() -> None:
    recipe, train, _ = split_with_recipe(generate_mixed_table())
    (line,) = fit_model(recipe, train, "neural_network", max_iter=2).warnings
    assert line.startswith("neural_network: Stochastic Optimizer: Maximum iterations (2)")


def generate_imbalanced_table(rows: int = 600, positives: int = 60) -> pd.DataFrame:
    """A rare class that a model can rank, but does not name at a half."""
    random = np.random.default_rng(4)
    target = np.array(["yes"] * positives + ["no"] * (rows - positives))
    return pd.DataFrame(
        {"x": random.normal((target == "yes") * 1.5, 1), "z": random.normal(size=rows), "target": target}
    )


def test_a_threshold_is_chosen_on_folds_and_scored_on_rows_that_did_not_choose() -> None:
    recipe, train, test = split_with_recipe(generate_imbalanced_table())
    estimator = build_estimator(recipe.task, "logistic_regression", {}, 5)
    how = {"name": "m", "count": 4, "seed": 5, "cores": 1}
    plain = fit(recipe, train, estimator, **how)  # type: ignore[arg-type]
    ours = fit(recipe, train, estimator, **how, threshold="auto", metric=METRICS["f1"])  # type: ignore[arg-type]
    assert ours.threshold is not None
    assert ours.threshold["metric"] == "f1"
    assert 0 < ours.threshold["value"] < 0.5
    assert ours.cv["f1"]["mean"] > plain.cv["f1"]["mean"]
    assert ours.cv["pr_auc"] == plain.cv["pr_auc"]
    x, y = recipe.typed(train), recipe.truth(train)
    for place, (learn, score) in enumerate(StratifiedKFold(4, shuffle=True, random_state=5).split(x, y)):
        model = build_reference_pipeline(LogisticRegression(max_iter=1000)).fit(x.iloc[learn], y[learn])
        output = np.where(model.predict_proba(x.iloc[score])[:, 1] >= ours.threshold["folds"][place], "yes", "no")
        assert ours.cv["f1"]["folds"][place] == f1_score(y[score], output, pos_label="yes")
    chance = plain.model.predict_proba(test)[:, 1]
    assert np.array_equal(ours.model.predict(test), np.where(chance >= ours.threshold["value"], "yes", "no"))
    fixed = fit(recipe, train, estimator, **how, threshold=0.2)  # type: ignore[arg-type]
    assert np.array_equal(fixed.model.predict(test), np.where(chance >= 0.2, "yes", "no"))


@pytest.mark.parametrize(
    ("frame", "name", "count", "words"),
    [
        (iris(), "naive_bayes", 3, "is for two classes, and this is 3 classes"),
        (diabetes(), "ridge", 3, "is for two classes, and this is a regression"),
        (cancer(), "naive_bayes", 0, "chosen on folds, and --folds is 0"),
    ],
)
def test_thresholds_that_cannot_be(frame: pd.DataFrame, name: str, count: int, words: str) -> None:
    recipe, train, _ = split_with_recipe(frame)
    estimator = build_estimator(recipe.task, name, {}, 5)
    with pytest.raises(StepError, match=words):
        fit(recipe, train, estimator, name=name, count=count, seed=5, cores=1, threshold="auto")


def test_folds_keep_rows_of_one_time_together() -> None:
    frame = diabetes().assign(year=[2000 + row % 9 for row in range(442)])
    recipe = choose_recipe(frame, "target", Split("time", "year"), RecipeOptions())
    years = frame["year"].to_numpy()
    for learn, score in make_folds(recipe, frame, recipe.truth(frame), 5, 0):
        assert years[learn].max() < years[score].min()
    with pytest.raises(StepError, match="10 different times in 'year', and there are 9"):
        make_folds(recipe, frame, recipe.truth(frame), 9, 0)
