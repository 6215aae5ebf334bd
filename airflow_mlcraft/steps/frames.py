"""Frames as files that steps hand on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from airflow_mlcraft.errors import StepError

if TYPE_CHECKING:
    import pandas as pd


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """As Parquet; rows are counted anew."""
    import pyarrow as pa

    try:
        frame.reset_index(drop=True).to_parquet(path)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise StepError(
            f"{path.name} cannot be written: {' '.join(str(error).split())}; each column needs values of one type"
        ) from error
