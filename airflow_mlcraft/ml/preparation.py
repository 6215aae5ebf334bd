"""The preparation of a recipe, as steps of scikit-learn that are fitted together with the estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_mlcraft.ml import columns as kinds
from airflow_mlcraft.ml.category_encodings import (
    MISSING,
    NATIVE,
    ONE_HOT,
    ORDINAL,
    TARGET,
    one_hot,
    ordinal,
    takes_categories,
    target_mean,
)
from airflow_mlcraft.ml.columns import Columns
from airflow_mlcraft.ml.date_features import PARTS, DateParts, FreeText, Truth
from airflow_mlcraft.ml.recipe import Column, Recipe, names

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def pipeline(recipe: Recipe, estimator: Any) -> Pipeline:
    """One model: its columns, their preparation, the estimator."""
    from sklearn.base import clone
    from sklearn.pipeline import Pipeline

    native = takes_categories(estimator)
    if native and (places := _native_places(recipe)):
        estimator = clone(estimator).set_params(categorical_features=places)
    steps = [
        ("columns", Columns(recipe.kinds, recipe.nullable, recipe.formats or None)),
        ("prepare", preparation(recipe, native=native)),
    ]
    return Pipeline([*steps, ("estimator", estimator)])


def without_columns(model: Pipeline) -> Pipeline:
    """The steps after the first, for a frame whose columns are in their kinds already.

    They are the steps of the model itself: what is fitted here is fitted there.
    """
    from sklearn.pipeline import Pipeline

    return Pipeline(model.steps[1:])


def preparation(recipe: Recipe, *, native: bool = False) -> Any:
    """One row of numbers for each row of the recipe's columns. `native`: the estimator takes categories as such."""
    from sklearn.compose import ColumnTransformer

    parts: list[tuple[str, Any, list[str]]] = []
    for kind in (kinds.NUMBER, kinds.DATE):
        found = recipe.of_kind(kind)
        for how in dict.fromkeys((column.impute, column.scale) for column in found):
            alike = [column for column in found if (column.impute, column.scale) == how]
            parts.append((_name(kind, parts), _numbers(kind, alike[0]), names(alike)))
    if truths := recipe.of_kind(kinds.BOOLEAN):
        parts.append((kinds.BOOLEAN, _truths(), names(truths)))
    for encode, alike in _by_encoding(recipe, native=native).items():
        name = kinds.CATEGORY if encode == ONE_HOT else f"{kinds.CATEGORY}_{encode}"
        parts.append((name, _categories(recipe, encode, alike), names(alike)))
    for column in recipe.of_kind(kinds.TEXT):
        parts.append((_name(kinds.TEXT, parts), FreeText(), [column.name]))
    return ColumnTransformer(parts, sparse_threshold=0, verbose_feature_names_out=False)


def _name(kind: str, parts: list[tuple[str, Any, list[str]]]) -> str:
    taken = sum(name.startswith(kind) for name, _, _ in parts)
    return f"{kind}{taken + 1}" if taken else kind


def _numbers(kind: str, column: Column) -> Any:
    from sklearn.pipeline import make_pipeline

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

    return make_pipeline(Truth(), _imputer("most_frequent"))


def _by_encoding(recipe: Recipe, *, native: bool) -> dict[str, list[Column]]:
    found: dict[str, list[Column]] = {}
    for column in recipe.of_kind(kinds.CATEGORY):
        takes = native and column.encode and column.categories <= NATIVE
        found.setdefault(ORDINAL if takes else column.encode or ONE_HOT, []).append(column)
    return {encode: found[encode] for encode in (ORDINAL, ONE_HOT, TARGET) if encode in found}


def _native_places(recipe: Recipe) -> list[int]:
    """Which of the prepared columns are categories: they come after numbers, parts of dates, and truth values."""
    before = len(recipe.of_kind(kinds.NUMBER)) + len(PARTS) * len(recipe.of_kind(kinds.DATE))
    before += len(recipe.of_kind(kinds.BOOLEAN))
    return list(range(before, before + len(_by_encoding(recipe, native=True).get(ORDINAL, []))))


def _categories(recipe: Recipe, encode: str, alike: list[Column]) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline

    steps: list[Any] = [SimpleImputer(strategy="constant", fill_value=MISSING, keep_empty_features=True)]
    if encode == TARGET:
        scaler = _scaler(alike[0].scale)
        return make_pipeline(*steps, target_mean(recipe.task), *([scaler] if scaler is not None else []))
    if encode == ORDINAL:
        cut = any(column.encode == ONE_HOT and column.categories > recipe.max_categories for column in alike)
        return make_pipeline(*steps, ordinal(recipe.max_categories if cut else None))
    return make_pipeline(*steps, one_hot(recipe.max_categories))
