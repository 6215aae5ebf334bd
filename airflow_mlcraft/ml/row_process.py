"""The user's `process` as a part of a model, and the model that runs it before its pipeline."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from airflow_mlcraft.common.did_you_mean import build_suggestion
from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml import columns as kinds
from airflow_mlcraft.ml import user_code
from airflow_mlcraft.ml.columns import to_kind

FUNCTION = "process"
PROCESS_SIGNATURE = "def process(frame, **params)"


@dataclass(frozen=True)
class RawColumn:
    """A column of the source. `needed`: the features depend on it."""

    name: str
    kind: str
    dtype: str
    nullable: bool = False
    needed: bool = True


@dataclass(frozen=True)
class RowProcess:
    """The user's function that runs on rows before the model. `example` has a list of values for each column."""

    file: str
    source: str
    sha256: str
    params: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[RawColumn, ...] = ()
    example: Mapping[str, list[Any]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The content of `process` in recipe.json."""
        return asdict(self)

    def typed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The columns of the source with the types that they had in training; other columns are left out."""
        needed = [column.name for column in self.columns if column.needed and not column.nullable]
        lacking = [name for name in needed if name not in frame.columns]
        if lacking:
            raise StepError(
                f"the data lacks the column{'s' if len(lacking) > 1 else ''} {', '.join(map(repr, lacking[:10]))} "
                f"that the model needs; {build_suggestion(lacking[0], frame.columns)}"
            )
        return to_raw_types(frame, self.columns)

    def example_frame(self) -> pd.DataFrame:
        """Example rows with the columns of the source; none of them is a row of the data."""
        return self.typed(pd.DataFrame(dict(self.example)))


def from_json(value: Mapping[str, Any]) -> RowProcess:
    """A `RowProcess` from its JSON."""
    known = {name: field_value for name, field_value in value.items() if name in RowProcess.__dataclass_fields__}
    return RowProcess(**{**known, "columns": tuple(RawColumn(**column) for column in value["columns"])})


def hash_source(source: bytes) -> str:
    """The SHA-256 of source code."""
    return hashlib.sha256(source).hexdigest()


def raw_columns(frame: pd.DataFrame) -> tuple[RawColumn, ...]:
    """The columns of a frame with their kinds and types. Columns of lists, objects or bytes have the kind ''."""
    return tuple(
        RawColumn(str(name), _kind(frame[name]), str(frame[name].dtype), bool(frame[name].isna().any()))
        for name in frame.columns
    )


def to_raw_types(frame: pd.DataFrame, columns: Sequence[RawColumn]) -> pd.DataFrame:
    """These columns of a frame in their types; a column that the frame lacks is missing in each row."""
    empty = pd.Series(np.nan, index=frame.index, dtype="float64")
    result = {one.name: _convert_like(frame.get(one.name, empty), one) for one in columns if one.kind}
    return pd.DataFrame(result, index=frame.index, copy=False)


def load_process(path: Path, params: Mapping[str, Any]) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Load the function in a file, with its params; its errors have file and line."""
    module = user_code.load(path)
    function = user_code.require_function(module, FUNCTION, PROCESS_SIGNATURE)
    place = Path(str(module.__file__))

    def run(frame: pd.DataFrame) -> pd.DataFrame:
        with user_code.locate_errors(place):
            result = function(frame, **params)
        if not isinstance(result, pd.DataFrame):
            raise StepError(f"{path.name}: process() gives a {type(result).__name__}; expected a data frame")
        return result.rename(columns=str)

    return run


def check_row_order(result: pd.DataFrame, rows: pd.DataFrame, file: str) -> pd.DataFrame:
    """Raise an error unless `process` returned one row for each row to predict for, in their order."""
    if result.index.is_unique and result.index.isin(rows.index).all():
        lost = rows.index.difference(result.index, sort=False)
        if not len(lost):
            return result.loc[rows.index]
        first = int(rows.index.get_indexer(lost)[0]) + 1
        raise StepError(
            f"{file}: process() leaves out row {first}, which has to be predicted for; "
            "leave rows out in clean_table(), which runs in training only"
        )
    if len(result) != len(rows):
        raise StepError(
            f"{file}: process() makes {len(result)} rows of {len(rows)}, and each has to be predicted for; "
            "leave rows out in clean_table(), which runs in training only"
        )
    return result.set_axis(rows.index, axis=0)


def _kind(values: pd.Series) -> str:
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return kinds.CATEGORY
    if dtype.kind in "biufmM":
        return kinds.BOOLEAN if dtype.kind == "b" else kinds.DATE if dtype.kind == "M" else kinds.NUMBER
    there = values.dropna()
    if any(isinstance(value, list | dict | set | bytes) for value in there):
        return ""
    if len(there) and all(isinstance(value, bool) for value in there):
        return kinds.BOOLEAN
    texts = all(isinstance(value, str) for value in there)
    return kinds.DATE if not texts and kinds.is_dates(there) else kinds.CATEGORY


def _convert_like(values: pd.Series, column: RawColumn) -> pd.Series:
    """Convert values to a column's type; integers and booleans with missing values get the type that pandas uses."""
    result = kinds.CONVERTERS[column.kind](values)
    dtype = "object" if column.dtype == "category" else column.dtype
    if str(result.dtype) == dtype or (dtype[:1] in "iub" and result.isna().any()):
        return result
    if column.kind == kinds.DATE and not dtype.startswith("datetime"):
        return result
    return result.dt.tz_localize("UTC").astype(dtype) if "," in dtype else result.astype(dtype)


_METHODS = ("predict", "predict_proba", "decision_function")


class ProcessedModel:
    """A fitted pipeline with `process` before it. It has the prediction methods of the pipeline."""

    def __init__(self, process: RowProcess, path: Path, model: Any):
        self.process = process
        self.model = model
        self._run = load_process(path, process.params)

    def __getattr__(self, name: str) -> Any:
        if name in _METHODS:
            method = getattr(self.model, name)
            return lambda frame: method(self.features(frame))
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.model, name)

    def features(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The input of the pipeline: one row for each row of the frame."""
        raw = self.process.typed(frame.reset_index(drop=True))
        result = check_row_order(self._run(raw), raw, self.process.file)
        self._check(result)
        return result

    def _check(self, result: pd.DataFrame) -> None:
        """Raise an error for values that are no numbers, which the pipeline would treat as missing."""
        formats = getattr(self.model[0], "formats", None) or {}
        for name, kind in self.model[0].kinds.items():
            if name not in result.columns:
                continue
            wrong = result[name].notna() & to_kind(result[name], kind, formats.get(name, "")).isna()
            if wrong.any():
                place = int(wrong.to_numpy().argmax())
                raise StepError(
                    f"{self.process.file}: process() gives {result[name].iloc[place]!r} for {name!r} of "
                    f"row {place + 1}; expected a {kind}"
                )


def wrap_process(described: dict[str, Any], path: Path, model: Any) -> ProcessedModel:
    """Wrap a model in the `process` that its model.json describes; `path` is the file with the function."""
    return ProcessedModel(from_json({**described, "source": ""}), path, model)
