"""Cleans the data: `clean_table` leaves rows out of training, `process` mends and makes columns, row by row."""

from __future__ import annotations

from typing import Any

import pandas as pd


def clean_table(frame: pd.DataFrame) -> pd.DataFrame:
    """The whole table, in training only: leave out rows that nothing should be learned from."""
    return frame.dropna(how="all")


def process(frame: pd.DataFrame, **params: Any) -> pd.DataFrame:
    """Any number of rows, each by itself, with or without the target: mend columns, make new ones.

    This goes with the model, and runs on each row to predict for. Gaps, categories and scales are the model's.
    """
    return frame
