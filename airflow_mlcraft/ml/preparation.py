"""The preparation of a recipe, as steps of scikit-learn that are fitted together with the estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlcraft.ml import columns as kinds
from airflow_mlcraft.ml.columns import Columns
from airflow_mlcraft.ml.recipe import Column, Recipe, names

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

MISSING = "(missing)"


def pipeline(recipe: Recipe, estimator: Any) -> Pipeline:
    """One model: its columns, their preparation, the estimator."""
    from sklearn.pipeline import Pipeline

    steps = [("columns", Columns(recipe.kinds, recipe.nullable)), ("prepare", preparation(recipe))]
    return Pipeline([*steps, ("estimator", estimator)])


def without_columns(model: Pipeline) -> Pipeline:
    """The steps after the first, for a frame whose columns are in their kinds already.

    They are the steps of the model itself: what is fitted here is fitted there.
    """
    from sklearn.pipeline import Pipeline

    return Pipeline(model.steps[1:])


def preparation(recipe: Recipe) -> Any:
    """One row of numbers for each row of the recipe's columns."""
    from sklearn.compose import ColumnTransformer

    parts: list[tuple[str, Any, list[str]]] = []
    for kind in (kinds.NUMBER, kinds.DATE):
        found = recipe.of_kind(kind)
        for how in dict.fromkeys((column.impute, column.scale) for column in found):
            alike = [column for column in found if (column.impute, column.scale) == how]
            parts.append((_name(kind, parts), _numbers(kind, alike[0]), names(alike)))
    if truths := recipe.of_kind(kinds.BOOLEAN):
        parts.append((kinds.BOOLEAN, _truths(), names(truths)))
    if texts := recipe.of_kind(kinds.CATEGORY):
        parts.append((kinds.CATEGORY, _categories(recipe.max_categories), names(texts)))
    return ColumnTransformer(parts, sparse_threshold=0, verbose_feature_names_out=False)


def _name(kind: str, parts: list[tuple[str, Any, list[str]]]) -> str:
    taken = sum(name.startswith(kind) for name, _, _ in parts)
    return f"{kind}{taken + 1}" if taken else kind


def _numbers(kind: str, column: Column) -> Any:
    from sklearn.pipeline import make_pipeline

    from airflow_mlcraft.ml.parts import DateParts

    steps: list[Any] = [DateParts()] if kind == kinds.DATE else []
    steps.append(_imputer(column.impute))
    if (scaler := _scaler(column.scale)) is not None:
        steps.append(scaler)
    return make_pipeline(*steps)


def _imputer(how: str) -> Any:
    from sklearn.impute import SimpleImputer

    if how == "zero":
        return SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True)
    return SimpleImputer(strategy=how, keep_empty_features=True)


def _scaler(how: str) -> Any:
    from sklearn import preprocessing

    makers = {
        "standard": preprocessing.StandardScaler,
        "minmax": preprocessing.MinMaxScaler,
        "robust": preprocessing.RobustScaler,
    }
    return makers[how]() if how in makers else None


def _truths() -> Any:
    from sklearn.pipeline import make_pipeline

    from airflow_mlcraft.ml.parts import Truth

    return make_pipeline(Truth(), _imputer("most_frequent"))


def _categories(most: int) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    encoder = OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=most, sparse_output=False, dtype=np.float64
    )
    return make_pipeline(SimpleImputer(strategy="constant", fill_value=MISSING, keep_empty_features=True), encoder)
