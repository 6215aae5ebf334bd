"""Small scikit-learn models as model folders, for each kind of model that the server supports."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from skops import io

from airflow_mlcraft.tracking.model_folder import write_model
from tests.serving import odd_estimators

# The environment variable that lets a server load the estimators of odd_estimators.
TRUST = {"MLCRAFT_TRUSTED_TYPES": odd_estimators.TYPES}
UnfittedModel = tuple[Any, pd.DataFrame, Any]
NAMES = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
ROW = dict(zip(NAMES, [5.1, 3.5, 1.4, 0.2], strict=True))
OTHER = dict(zip(NAMES, [6.7, 3.0, 5.2, 2.3], strict=True))
"""The columns of the irises, and a row of the first and of the last class."""


def make(name: str, folder: Path) -> Path:
    """Fit the model with this name and write its folder."""
    estimator, frame, target = MAKERS[name]()
    estimator.fit(frame, target)
    return write(folder / name, estimator, frame)


def write(target: Path, estimator: Any, frame: pd.DataFrame) -> Path:
    """Write a fitted model as a model folder."""
    file = target.with_suffix(".skops")
    io.dump(estimator, file)
    return write_model(target, file, frame, estimator.predict(frame), example=frame.head())


def iris() -> tuple[pd.DataFrame, Any]:
    frame, target = load_iris(return_X_y=True, as_frame=True)
    return frame, target.to_numpy()


def generate_people(rows: int = 200) -> tuple[pd.DataFrame, Any]:
    """Numbers, whole numbers, truth values and texts, some of them missing."""
    random_state = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": random_state.integers(18, 80, rows),
            "income": random_state.normal(30_000, 10_000, rows).round(2),
            "city": random_state.choice(["Basel", "Bern", "Zug"], rows),
            "member": random_state.random(rows) < 0.5,
            "job": random_state.choice(np.array(["cook", "smith", None], dtype=object), rows),
        }
    )
    frame.loc[::17, "income"] = np.nan
    return frame, np.where(frame["age"] + random_state.normal(0, 20, rows) > 50, "yes", "no")


def _numbers() -> Pipeline:
    return make_pipeline(SimpleImputer(), StandardScaler())


def _texts() -> Pipeline:
    return make_pipeline(
        SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    )


def _people_pipeline(estimator: Any, texts: Any = None) -> Pipeline:
    prepare = make_column_transformer(
        (_numbers(), ["age", "income"]), (texts or _texts(), ["city", "job"]), ("passthrough", ["member"])
    )
    return make_pipeline(prepare, estimator)


def _linear() -> UnfittedModel:
    return make_pipeline(_numbers(), LogisticRegression(max_iter=500)), *iris()


def _forest() -> UnfittedModel:
    prepare = ColumnTransformer([("numbers", _numbers(), list(iris()[0].columns))])
    return make_pipeline(prepare, RandomForestClassifier(100, random_state=0)), *iris()


def _small_forest() -> UnfittedModel:
    return RandomForestClassifier(5, random_state=0), *iris()


def _people() -> UnfittedModel:
    return _people_pipeline(LogisticRegression(max_iter=500)), *generate_people()


def _boosted() -> UnfittedModel:
    ordinal = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="none"),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
    )
    return _people_pipeline(GradientBoostingClassifier(n_estimators=20, random_state=0), ordinal), *generate_people()


def _strict() -> UnfittedModel:
    """A text that training has not seen is an error."""
    strict = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(sparse_output=False))
    return _people_pipeline(LogisticRegression(max_iter=500), strict), *generate_people()


def _threshold() -> UnfittedModel:
    """Names one of two classes from another probability on than a half; it is the first of the two."""
    frame, target = generate_people()
    forest = RandomForestClassifier(12, random_state=0)
    fixed = FixedThresholdClassifier(forest, threshold=0.3, pos_label="no", response_method="predict_proba")
    return make_pipeline(SimpleImputer(), fixed), frame[["age", "income"]], target


def _ridge() -> UnfittedModel:
    frame, target = load_diabetes(return_X_y=True, as_frame=True)
    return make_pipeline(StandardScaler(), Ridge()), frame, target.to_numpy()


def _trees() -> UnfittedModel:
    frame, target = load_diabetes(return_X_y=True, as_frame=True)
    return RandomForestRegressor(20, random_state=0), frame, target.to_numpy()


def _named() -> UnfittedModel:
    """A step that only knows data frames."""
    frame, target = iris()
    return (
        make_pipeline(odd_estimators.ColumnSelector(list(frame.columns)), LogisticRegression(max_iter=500)),
        frame,
        target,
    )


def _slow() -> UnfittedModel:
    return odd_estimators.SlowClassifier(0.4), *iris()


def _process_id() -> UnfittedModel:
    return odd_estimators.ProcessIdClassifier(), *iris()


def _failing() -> UnfittedModel:
    return odd_estimators.FailingClassifier(), *iris()


MAKERS: dict[str, Callable[[], UnfittedModel]] = {
    "linear": _linear,
    "forest": _forest,
    "small_forest": _small_forest,
    "people": _people,
    "boosted": _boosted,
    "strict": _strict,
    "threshold": _threshold,
    "ridge": _ridge,
    "trees": _trees,
    "named": _named,
    "slow": _slow,
    "process_id": _process_id,
    "failing": _failing,
}
