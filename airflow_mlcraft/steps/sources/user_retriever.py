"""Retrieval by the user's own function `retrieve(sources, fetch)`."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml import user_code
from airflow_mlcraft.steps.inputs import write_frame

SIGNATURE = "def retrieve(sources, fetch)"


def run_retriever(code: Path, sources: Sequence[str], fetch: Callable[[str], Any], folder: Path) -> Path:
    """Call `retrieve(sources, fetch)`, and write the frame or file that it returns into `folder`."""
    import pandas as pd

    retrieve = user_code.require_function(user_code.load(code), "retrieve", SIGNATURE)
    with user_code.locate_errors(code):
        result = retrieve([source for source in sources if source], fetch)
    if isinstance(result, Path) and result.is_file():
        return Path(shutil.copyfile(result, folder / result.name))
    if not isinstance(result, pd.DataFrame):
        raise StepError(f"{code.name}: retrieve() gives a {type(result).__name__}; expected a data frame or a path")
    path = folder / "retrieved.parquet"
    write_frame(result.rename(columns=str), path)
    return path
