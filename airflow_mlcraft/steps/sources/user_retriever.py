"""The user's own way to bring data: a function that gets the sources, and what fetches one of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml import user_code
from airflow_mlcraft.steps.inputs import write_frame

FORM = "def retrieve(sources, fetch)"


def write(code: Path, sources: Sequence[str], fetch: Callable[[str], Any], folder: Path) -> Path:
    """What `retrieve(sources, fetch)` gives: a frame, as Parquet, or the path of a file."""
    import pandas as pd

    retrieve = user_code.needed(user_code.load(code), "retrieve", FORM)
    with user_code.told(code):
        made = retrieve([source for source in sources if source], fetch)
    if isinstance(made, Path) and made.is_file():
        return Path(shutil.copyfile(made, folder / made.name))
    if not isinstance(made, pd.DataFrame):
        raise StepError(f"{code.name}: retrieve() gives a {type(made).__name__}; expected a data frame or a path")
    path = folder / "retrieved.parquet"
    write_frame(made.rename(columns=str), path)
    return path
