"""Frames as files that steps hand on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """As Parquet; rows are counted anew."""
    from airflow_mlcraft.ml.data.parquet import writing

    with writing(path.name):
        frame.reset_index(drop=True).to_parquet(path)
