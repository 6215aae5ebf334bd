"""Fast transformers and estimators give the numbers of scikit-learn, to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder
from threadpoolctl import threadpool_limits

import airflow_mlcraft.serving.model.typed_columns  # noqa: F401 - adds "DateParts" to TRANSFORMERS
from airflow_mlcraft.serving.model.fast_estimators import list_fast_estimators
from airflow_mlcraft.serving.model.fast_transformers import TRANSFORMERS, NoFastFormError, build_transformer

_CONSTANT = SimpleImputer(strategy="constant", fill_value="(missing)", keep_empty_features=True)
_FREQUENT = SimpleImputer(strategy="most_frequent")
_INFREQUENT = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=3, sparse_output=False)
_IGNORING = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
_ORDINAL = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
_MINUS_ONE = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
_MEAN = TargetEncoder(cv=2, random_state=0)


def _texts(rows: int, *, unknown: bool) -> np.ndarray[Any, Any]:
    random = np.random.default_rng(rows)
    known = ["a", "b", "c", "d", "e", None]
    return np.column_stack(
        [random.choice(np.array([*known, *(["?", ""] if unknown else [])], dtype=object), rows) for _ in range(3)]
    )


def _as_sklearn(texts: np.ndarray[Any, Any]) -> pd.DataFrame:
    return pd.DataFrame(np.where(texts == None, np.nan, texts), dtype=object)  # noqa: E711 - by element


@pytest.mark.parametrize("imputer", [_CONSTANT, _FREQUENT], ids=["constant", "most_frequent"])
@pytest.mark.parametrize("encoder", [_INFREQUENT, _IGNORING, _ORDINAL, _MINUS_ONE, _MEAN], ids=repr)
@pytest.mark.parametrize("missing", [True, False], ids=["missing in training", "none missing"])
def test_an_imputer_and_an_encoder(imputer: Any, encoder: Any, missing: bool) -> None:
    texts = _texts(300, unknown=False)
    if not missing:
        texts = np.where(texts == None, "a", texts)  # noqa: E711 - by element
    fitted = make_pipeline(imputer, encoder).fit(_as_sklearn(texts), np.arange(300) % 3)
    new = _texts(500, unknown=True)
    wanted = fitted.transform(_as_sklearn(new))
    np.testing.assert_array_equal(build_transformer(fitted)(new), wanted)
    for row in range(20):
        np.testing.assert_array_equal(build_transformer(fitted)(new[row : row + 1]), wanted[row : row + 1])


def test_a_strict_encoder_refuses_unknown_categories() -> None:
    texts = np.array([["a"], ["b"]], dtype=object)
    strict = build_transformer(make_pipeline(_CONSTANT, OneHotEncoder(sparse_output=False)).fit(texts))
    np.testing.assert_array_equal(strict(np.array([["b"]], dtype=object)), [[0.0, 1.0]])
    for value in ("?", None):
        with pytest.raises(ValueError, match="was not there when the model was trained"):
            strict(np.array([["a"], [value]], dtype=object))


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("categories", [[], [1, 4]], ids=["numbers", "categories"])
@pytest.mark.parametrize("leaves", [31, 60, 90])
@threadpool_limits.wrap(limits=1)
def test_histogram_gradient_boosting(classes: int, categories: list[int], leaves: int) -> None:
    random = np.random.default_rng(classes)
    features = random.normal(size=(700, 6))
    features[:, [1, 4]] = random.integers(0, 9, (700, 2)) * 2
    features[random.random(features.shape) < 0.1] = np.nan
    value = np.nan_to_num(features[:, 0]) + np.isin(features[:, 1], [2, 8]) + random.normal(size=700) / 4
    options: dict[str, Any] = {
        "max_iter": 8,
        "categorical_features": categories or None,
        "max_leaf_nodes": leaves,
        "min_samples_leaf": 2,
    }
    if classes:
        labels = np.array(["low", "mid", "top"])[pd.qcut(value, classes, labels=False)]
        fitted = HistGradientBoostingClassifier(**options).fit(features, labels)
    else:
        fitted = HistGradientBoostingRegressor(loss="poisson", **options).fit(features, np.exp(value))
    new = random.normal(size=(500, 6)) * 3
    new[:, [1, 4]] = random.choice([-1.0, 0, 1, 2, 3, 8, 16, 17, 1e9, 0.5], (500, 2))
    new[random.random(new.shape) < 0.2] = np.nan
    new[::50, 0] = np.inf
    made = list_fast_estimators(fitted)
    assert len(made) == 3
    if leaves > 64:
        with pytest.raises(NoFastFormError):
            made.pop(0)()
    for way in made:
        plain = way()
        for rows in (new, new[:1], np.asfortranarray(new)):
            np.testing.assert_array_equal(plain.predict(rows), fitted.predict(rows))
            if classes:
                assert plain.proba is not None
                np.testing.assert_array_equal(plain.proba(rows), fitted.predict_proba(rows))


def test_date_parts() -> None:
    texts = ["2024-02-29", "0001-01-01T23:59:59", "9999-12-31", None, "2024-05-31T23:30:00-02:00", "1999-12-31T00:00Z"]
    found = TRANSFORMERS["DateParts"](None)(np.array([texts, texts[::-1]], dtype=object).T)  # type: ignore[misc]
    wanted = [
        [2024, 2, 29, 3, 0], [1, 1, 1, 0, 23], [9999, 12, 31, 4, 0], [np.nan] * 5, [2024, 6, 1, 5, 1],
        [1999, 12, 31, 4, 0],
    ]  # fmt: skip
    np.testing.assert_array_equal(found, np.hstack([np.array(wanted), np.array(wanted[::-1])]))
