"""Times as numbers that a model can use, and truth values as zeros and ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

PARTS = ("year", "month", "day", "day_of_week", "hour")


class _EachColumn(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    def fit(self, frame: pd.DataFrame, target: Any = None) -> Any:
        """Nothing is learnt here but the names."""
        self.feature_names_in_ = np.asarray(list(frame.columns), dtype=object)
        self.n_features_in_ = len(frame.columns)
        return self


class DateParts(_EachColumn):
    """Year, month, day, day of the week and hour of each time; missing times give missing numbers."""

    def transform(self, frame: pd.DataFrame) -> Any:
        """Five numbers for each column."""
        made = [getattr(frame[name].dt, part) for name in frame.columns for part in PARTS]
        return np.column_stack([part.to_numpy("float64", na_value=np.nan) for part in made])

    def get_feature_names_out(self, names: Any = None) -> Any:
        """`<column>_<part>`."""
        return np.asarray([f"{name}_{part}" for name in self.feature_names_in_ for part in PARTS], dtype=object)


class Truth(_EachColumn):
    """1 for true, 0 for false, missing for missing."""

    def transform(self, frame: pd.DataFrame) -> Any:
        """One number for each column."""
        return np.column_stack([frame[name].to_numpy("float64", na_value=np.nan) for name in frame.columns])

    def get_feature_names_out(self, names: Any = None) -> Any:
        """The columns themselves."""
        return self.feature_names_in_
