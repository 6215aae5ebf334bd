"""Preparation of a recipe's columns, as steps of scikit-learn that are fitted together with the estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_mlcraft.ml import columns as kinds
from airflow_mlcraft.ml.category_encodings import (
    MAX_NATIVE,
    MISSING,
    ONE_HOT,
    ORDINAL,
    TARGET,
    has_native_categories,
    one_hot_encoder,
    ordinal_encoder,
    target_encoder,
)
from airflow_mlcraft.ml.columns import Columns
from airflow_mlcraft.ml.date_features import PARTS, DateParts, FreeText, Truth
from airflow_mlcraft.ml.recipe import Column, Recipe, names

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def build_pipeline(recipe: Recipe, estimator: Any) -> Pipeline:
    """Build a model: a pipeline of its columns, their preparation and the estimator."""
    from sklearn.base import clone
    from sklearn.pipeline import Pipeline

    native = has_native_categories(estimator)
    if native and (places := _native_positions(recipe)):
        estimator = clone(estimator).set_params(categorical_features=places)
    steps = [
        ("columns", Columns(recipe.kinds, recipe.nullable, recipe.formats or None)),
        ("prepare", build_preparation(recipe, native=native)),
    ]
    return Pipeline([*steps, ("estimator", estimator)])


def without_columns(model: Pipeline) -> Pipeline:
    """The steps after the first, for a frame whose columns have their kinds already.

    They are the same objects as in the model, so that fitting them fits the model's steps.
    """
    from sklearn.pipeline import Pipeline

    return Pipeline(model.steps[1:])


def build_preparation(recipe: Recipe, *, native: bool = False) -> Any:
    """Build the transformer of the recipe's columns into numbers. `native`: the estimator takes categories itself."""
    from sklearn.compose import ColumnTransformer

    parts: list[tuple[str, Any, list[str]]] = []
    for kind in (kinds.NUMBER, kinds.DATE):
        found = recipe.of_kind(kind)
        for strategy in dict.fromkeys((column.impute, column.scale) for column in found):
            same_columns = [column for column in found if (column.impute, column.scale) == strategy]
            parts.append((_step_name(kind, parts), _number_steps(kind, same_columns[0]), names(same_columns)))
    if booleans := recipe.of_kind(kinds.BOOLEAN):
        parts.append((kinds.BOOLEAN, _boolean_steps(), names(booleans)))
    for encode, same_columns in _columns_by_encoding(recipe, native=native).items():
        name = kinds.CATEGORY if encode == ONE_HOT else f"{kinds.CATEGORY}_{encode}"
        parts.append((name, _category_steps(recipe, encode, same_columns), names(same_columns)))
    for column in recipe.of_kind(kinds.TEXT):
        parts.append((_step_name(kinds.TEXT, parts), FreeText(), [column.name]))
    return ColumnTransformer(parts, sparse_threshold=0, verbose_feature_names_out=False)


def _step_name(kind: str, parts: list[tuple[str, Any, list[str]]]) -> str:
    existing = sum(name.startswith(kind) for name, _, _ in parts)
    return f"{kind}{existing + 1}" if existing else kind


def _number_steps(kind: str, column: Column) -> Any:
    from sklearn.pipeline import make_pipeline

    steps: list[Any] = [DateParts()] if kind == kinds.DATE else []
    steps.append(_imputer(column.impute))
    if (scaler := _scaler(column.scale)) is not None:
        steps.append(scaler)
    return make_pipeline(*steps)


def _imputer(strategy: str) -> Any:
    from sklearn.impute import SimpleImputer

    if strategy == "zero":
        return SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True)
    return SimpleImputer(strategy=strategy, keep_empty_features=True)


def _scaler(strategy: str) -> Any:
    from sklearn import preprocessing

    scalers = {
        "standard": preprocessing.StandardScaler,
        "minmax": preprocessing.MinMaxScaler,
        "robust": preprocessing.RobustScaler,
    }
    return scalers[strategy]() if strategy in scalers else None


def _boolean_steps() -> Any:
    from sklearn.pipeline import make_pipeline

    return make_pipeline(Truth(), _imputer("most_frequent"))


def _columns_by_encoding(recipe: Recipe, *, native: bool) -> dict[str, list[Column]]:
    found: dict[str, list[Column]] = {}
    for column in recipe.of_kind(kinds.CATEGORY):
        is_native = native and column.encode and column.categories <= MAX_NATIVE
        found.setdefault(ORDINAL if is_native else column.encode or ONE_HOT, []).append(column)
    return {encode: found[encode] for encode in (ORDINAL, ONE_HOT, TARGET) if encode in found}


def _native_positions(recipe: Recipe) -> list[int]:
    """Positions of the categories among the prepared columns: after numbers, parts of dates, and truth values."""
    preceding = len(recipe.of_kind(kinds.NUMBER)) + len(PARTS) * len(recipe.of_kind(kinds.DATE))
    preceding += len(recipe.of_kind(kinds.BOOLEAN))
    return list(range(preceding, preceding + len(_columns_by_encoding(recipe, native=True).get(ORDINAL, []))))


def _category_steps(recipe: Recipe, encode: str, same_columns: list[Column]) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline

    steps: list[Any] = [SimpleImputer(strategy="constant", fill_value=MISSING, keep_empty_features=True)]
    if encode == TARGET:
        scaler = _scaler(same_columns[0].scale)
        return make_pipeline(*steps, target_encoder(recipe.task), *([scaler] if scaler is not None else []))
    if encode == ORDINAL:
        cut = any(column.encode == ONE_HOT and column.categories > recipe.max_categories for column in same_columns)
        return make_pipeline(*steps, ordinal_encoder(recipe.max_categories if cut else None))
    return make_pipeline(*steps, one_hot_encoder(recipe.max_categories))
