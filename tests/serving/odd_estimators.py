"""Estimators that are slow, inconsistent, failing or bound to data frames."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin


class SlowClassifier(ClassifierMixin, BaseEstimator):
    """Sleeps when it predicts one row."""

    def __init__(self, seconds: float = 1.0):
        self.seconds = seconds

    def fit(self, frame: pd.DataFrame, target: Any) -> SlowClassifier:
        self.classes_ = np.unique(target)
        return self

    def predict(self, frame: Any) -> Any:
        if len(frame) == 1:
            time.sleep(self.seconds)
        return np.zeros(len(frame), dtype=np.int64)


class ProcessIdClassifier(ClassifierMixin, BaseEstimator):
    """Predicts another value in every process."""

    def fit(self, frame: pd.DataFrame, target: Any) -> ProcessIdClassifier:
        self.classes_ = np.unique(target)
        return self

    def predict(self, frame: Any) -> Any:
        return np.full(len(frame), os.getpid(), dtype=np.int64)


class FailingClassifier(ClassifierMixin, BaseEstimator):
    """Raises an unexpected error for large values."""

    def fit(self, frame: pd.DataFrame, target: Any) -> FailingClassifier:
        self.classes_ = np.unique(target)
        return self

    def predict(self, frame: Any) -> Any:
        if np.asarray(frame)[:, 0].max() > 100:
            raise RuntimeError("the secret of the server")
        return np.zeros(len(frame), dtype=np.int64)


class ColumnSelector(TransformerMixin, BaseEstimator):
    """Selects columns by name, which only data frames have."""

    def __init__(self, names: list[str]):
        self.names = names

    def fit(self, frame: pd.DataFrame, target: Any = None) -> ColumnSelector:
        self.n_features_in_ = len(self.names)
        return self

    def transform(self, frame: pd.DataFrame) -> Any:
        return frame[list(reversed(self.names))].to_numpy()


TYPES = ",".join(
    f"{kind.__module__}.{kind.__qualname__}"
    for kind in (SlowClassifier, ProcessIdClassifier, FailingClassifier, ColumnSelector)
)
