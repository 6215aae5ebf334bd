"""Transformers of dates, truth values and free text into numbers. Model files contain their class names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

PARTS = ("year", "month", "day", "day_of_week", "hour")


class _EachColumn(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    def fit(self, frame: pd.DataFrame, target: Any = None) -> Any:
        """Store the names of the columns."""
        self.feature_names_in_ = np.asarray(list(frame.columns), dtype=object)
        self.n_features_in_ = len(frame.columns)
        return self


class DateParts(_EachColumn):
    """Year, month, day, day of the week and hour of each time; missing times give missing numbers."""

    def transform(self, frame: pd.DataFrame) -> Any:
        """Five numbers for each column."""
        parts = [getattr(frame[name].dt, part) for name in frame.columns for part in PARTS]
        return np.column_stack([part.to_numpy("float64", na_value=np.nan) for part in parts])

    def get_feature_names_out(self, names: Any = None) -> Any:
        """`<column>_<part>`."""
        return np.asarray([f"{name}_{part}" for name in self.feature_names_in_ for part in PARTS], dtype=object)


class Truth(_EachColumn):
    """Converts booleans to 1 and 0; missing values stay missing."""

    def transform(self, frame: pd.DataFrame) -> Any:
        """One number for each column."""
        return np.column_stack([frame[name].to_numpy("float64", na_value=np.nan) for name in frame.columns])

    def get_feature_names_out(self, names: Any = None) -> Any:
        """The names of the columns."""
        return self.feature_names_in_


class FreeText(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """The words of one column of texts, weighed by TF-IDF; a missing text has none."""

    def __init__(self, words: int = 200):
        self.words = words

    def fit(self, frame: Any, target: Any = None) -> FreeText:
        """Learn the most frequent words."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        self.n_features_in_ = 1
        self.feature_names_in_ = np.asarray(list(getattr(frame, "columns", ["text"])), dtype=object)
        texts = _texts(frame)
        max_features = max(1, min(self.words, _TEXT_CELLS // max(1, len(texts))))
        vectorizer = TfidfVectorizer(max_features=max_features, min_df=2, sublinear_tf=True, **_WORD)
        try:
            self.vectorizer_ = vectorizer.fit(texts)
        except ValueError:
            self.vectorizer_ = None  # No word occurs twice.
        return self

    def transform(self, frame: Any) -> Any:
        """A column for each word."""
        if self.vectorizer_ is None:
            return np.zeros((len(frame), 1))
        return self.vectorizer_.transform(_texts(frame)).toarray()

    def get_feature_names_out(self, names: Any = None) -> Any:
        """`<column>_<word>`."""
        name = self.feature_names_in_[0]
        words = [] if self.vectorizer_ is None else self.vectorizer_.get_feature_names_out()
        return np.asarray([f"{name}_{word}" for word in words] or [f"{name}_no_words"], dtype=object)


def _texts(frame: Any) -> list[str]:
    values = np.asarray(frame, dtype=object).reshape(-1)
    return [value if isinstance(value, str) else "" for value in values]


_TEXT_CELLS = 20_000_000
_WORD: dict[str, Any] = {"token_pattern": r"(?u)\b\w+\b"}
