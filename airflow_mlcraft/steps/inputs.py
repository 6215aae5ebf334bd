"""Inputs of a step that its options name: files, model folders, frames and JSON; and writing of frames."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.steps import permissions

if TYPE_CHECKING:
    import pandas as pd


def file(folder: Path, name: str, option: str) -> Path:
    """The path of the file that an option names; raises an error if it is missing."""
    path = folder / name
    permissions.current().check_named_file(path, name, folder)
    if not path.is_file():
        raise StepError(f"--{option}: there is no file {name}")
    return path


def model_folder(folder: Path, name: str, option: str) -> Path:
    """The path of the model folder that an option names; raises an error if it is none."""
    path = folder / name
    permissions.current().check_named_file(path, name, folder)
    if not (path / "MLmodel").is_file():
        raise StepError(f"--{option}: {name} is no model; expected a folder with an MLmodel file, as train makes it")
    return path


def frame(folder: Path, name: str, option: str) -> pd.DataFrame:
    """The data in the file that an option names, as a frame."""
    from airflow_mlcraft.ml.data.read import read_frame

    data = read_frame(file(folder, name, option))
    if data.empty:
        raise StepError(f"--{option}: {name} has no {'columns' if not len(data.columns) else 'rows'}")
    return data


def batches(folder: Path, name: str, option: str, columns: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
    """The data in the file that an option names, as frames of some rows each; all columns or these."""
    from airflow_mlcraft.ml.data.batches import read_batches

    empty = True
    for frame in read_batches(file(folder, name, option), columns=columns):
        if len(frame):
            if columns is None and not len(frame.columns):
                raise StepError(f"--{option}: {name} has no columns")
            empty = False
            yield frame.rename(columns=str)
    if empty:
        raise StepError(f"--{option}: {name} has no rows")


def json_object(folder: Path, text: str | None, option: str) -> dict[str, Any]:
    """The object that an option gives as JSON, or as the name of a JSON file; empty if the option is not set."""
    if not text or not text.strip():
        return {}
    if text.lstrip().startswith("{"):
        return _parse_json_object(text, option)
    return json_file(folder, text, option)


def json_file(folder: Path, name: str, option: str) -> dict[str, Any]:
    """The object in the JSON file that an option names."""
    return _parse_json_object(file(folder, name, option).read_text("utf-8"), option)


def _parse_json_object(source: str, option: str) -> dict[str, Any]:
    try:
        value = json.loads(source)
    except json.JSONDecodeError as error:
        raise StepError(f'--{option} is not JSON: {error}; expected an object such as {{"depth": 3}}') from None
    if not isinstance(value, dict):
        raise StepError(f'--{option} is JSON, but no object; expected names and values such as {{"depth": 3}}')
    return value


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame as Parquet with a new index."""
    from airflow_mlcraft.ml.data.parquet import translate_write_errors

    with translate_write_errors(path.name):
        frame.reset_index(drop=True).to_parquet(path)
