"""The user's `process` as a part of a model, and the model around it that runs it on each row."""

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
    """A column of the source. `needed`: the features are others where it is missing."""

    name: str
    kind: str
    dtype: str
    nullable: bool = False
    needed: bool = True


@dataclass(frozen=True)
class RowProcess:
    """What runs on each row before the model reads it. `example` has a list of values for each column."""

    file: str
    source: str
    sha256: str
    params: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[RawColumn, ...] = ()
    example: Mapping[str, list[Any]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """In the form of recipe.json."""
        return asdict(self)

    def typed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The columns of the source with values as training had them; other columns are left out."""
        needed = [column.name for column in self.columns if column.needed and not column.nullable]
        lacking = [name for name in needed if name not in frame.columns]
        if lacking:
            raise StepError(
                f"the data lacks the column{'s' if len(lacking) > 1 else ''} {', '.join(map(repr, lacking[:10]))} "
                f"that the model needs; {build_suggestion(lacking[0], frame.columns)}"
            )
        return to_raw_types(frame, self.columns)

    def example_frame(self) -> pd.DataFrame:
        """Rows as the source has them, which are none of its own."""
        return self.typed(pd.DataFrame(dict(self.example)))


def from_json(value: Mapping[str, Any]) -> RowProcess:
    """A `RowProcess` from its JSON."""
    known = {name: given for name, given in value.items() if name in RowProcess.__dataclass_fields__}
    return RowProcess(**{**known, "columns": tuple(RawColumn(**column) for column in value["columns"])})


def hash_source(source: bytes) -> str:
    """The SHA-256 of source code."""
    return hashlib.sha256(source).hexdigest()


def raw_columns(frame: pd.DataFrame) -> tuple[RawColumn, ...]:
    """How the columns of a frame are held. Those that hold lists, objects or bytes have no kind, which is ''."""
    return tuple(
        RawColumn(str(name), _kind(frame[name]), str(frame[name].dtype), bool(frame[name].isna().any()))
        for name in frame.columns
    )


def to_raw_types(frame: pd.DataFrame, columns: Sequence[RawColumn]) -> pd.DataFrame:
    """These columns, each in its type; a column that the frame lacks is missing in each row."""
    empty = pd.Series(np.nan, index=frame.index, dtype="float64")
    result = {one.name: _convert_like(frame.get(one.name, empty), one) for one in columns if one.kind}
    return pd.DataFrame(result, index=frame.index, copy=False)


def load_process(path: Path, params: Mapping[str, Any]) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """The function in a file, with its params; mistakes are told with file and line."""
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


def check_row_order(result: pd.DataFrame, given: pd.DataFrame, file: str) -> pd.DataFrame:
    """What `process` made of rows to predict for, one row for each, in their order."""
    if result.index.is_unique and result.index.isin(given.index).all():
        lost = given.index.difference(result.index, sort=False)
        if not len(lost):
            return result.loc[given.index]
        first = int(given.index.get_indexer(lost)[0]) + 1
        raise StepError(
            f"{file}: process() leaves out row {first}, which has to be predicted for; "
            "leave rows out in clean_table(), which runs in training only"
        )
    if len(result) != len(given):
        raise StepError(
            f"{file}: process() makes {len(result)} rows of {len(given)}, and each has to be predicted for; "
            "leave rows out in clean_table(), which runs in training only"
        )
    return result.set_axis(given.index, axis=0)


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
    """Missing values do not fit into whole numbers and truth values, which pandas then holds as it always does."""
    result = kinds.CONVERTERS[column.kind](values)
    dtype = "object" if column.dtype == "category" else column.dtype
    if str(result.dtype) == dtype or (dtype[:1] in "iub" and result.isna().any()):
        return result
    if column.kind == kinds.DATE and not dtype.startswith("datetime"):
        return result
    return result.dt.tz_localize("UTC").astype(dtype) if "," in dtype else result.astype(dtype)


_METHODS = ("predict", "predict_proba", "decision_function")


class ProcessedModel:
    """`process` and a fitted pipeline. It has the methods that the pipeline has."""

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
        """What the pipeline reads: one row for each row of the frame."""
        raw = self.process.typed(frame.reset_index(drop=True))
        result = check_row_order(self._run(raw), raw, self.process.file)
        self._check(result)
        return result

    def _check(self, result: pd.DataFrame) -> None:
        """The pipeline would take what is no number for a missing one."""
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
    """The model of a folder whose model.json describes a `process`; its file is the one at `path`."""
    return ProcessedModel(from_json({**described, "source": ""}), path, model)
