"""Conversion of columns to the kinds of a recipe, and the first step of models that applies it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from airflow_mlcraft.common.did_you_mean import build_suggestion
from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.data.text_values import is_date_text

NUMBER, CATEGORY, BOOLEAN, DATE, TEXT = "number", "category", "boolean", "date", "text"
_TRUTH = {"true": True, "false": False}


def to_numbers(values: pd.Series) -> pd.Series:
    """The values as floats; values that are no number, and infinite ones, become missing."""
    if values.dtype.kind == "m":
        numbers = values.dt.total_seconds()
    elif values.dtype.kind in "biuf":
        numbers = values
    else:
        numbers = pd.to_numeric(values.where(values.notna(), None).astype(object), errors="coerce")
    floats = numbers if numbers.dtype == np.float64 else numbers.astype("float64")
    infinite = np.isinf(floats.to_numpy())
    return floats.mask(infinite) if infinite.any() else floats


def to_booleans(values: pd.Series) -> pd.Series:
    """The values as booleans, of type bool if none is missing."""
    if values.dtype == bool:
        return values
    booleans = values.astype(object).map(_truth)
    return booleans.astype(bool) if booleans.notna().all() else booleans.astype(object)


def to_dates(values: pd.Series, form: str = "") -> pd.Series:
    """The values as times in UTC without a zone; other values become missing. `form` is the format, if not ISO 8601."""
    if values.dtype.kind == "M" and getattr(values.dtype, "tz", None) is None:
        return values.astype("datetime64[us]")
    if form:
        times = pd.to_datetime(values.astype(object), errors="coerce", format=form)
        times = times.dt.tz_convert(None) if times.dt.tz is not None else times
        return times.astype("datetime64[us]")
    if is_text(values):
        # Texts of other forms are missing too, such as weekdays or digits, which pandas and Python parse differently.
        is_written_date = values.astype(object).map(is_date_text, na_action="ignore")
        values = values.where(is_written_date.fillna(False).astype(bool))
    times = pd.to_datetime(values, errors="coerce", utc=True, format="ISO8601")
    return times.dt.tz_localize(None).astype("datetime64[us]")


def to_categories(values: pd.Series) -> pd.Series:
    """The values as texts; missing ones stay missing."""
    if not is_text(values):
        return values.astype(object).map(_text).astype(object)
    texts = values.astype(object)
    missing = values.isna()
    return texts.mask(missing, np.nan) if missing.any() else texts


def is_text(values: pd.Series) -> bool:
    """Whether each value is a text or missing."""
    return isinstance(values.dtype, pd.StringDtype) or (
        values.dtype == object and pd.api.types.infer_dtype(values, skipna=True) == "string"
    )


def is_dates(values: pd.Series) -> bool:
    """Whether all values are times, or texts with one."""
    if values.dtype.kind == "M":
        return True
    return all(map(_is_date, values)) and bool(to_dates(values).notna().all())


def is_booleans(values: pd.Series) -> bool:
    """Whether all values are booleans, or texts with one."""
    return values.dtype == bool or all(_truth(value) is not None for value in values)


def _is_date(value: Any) -> bool:
    return isinstance(value, date) or (isinstance(value, str) and is_date_text(value))


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    return _TRUTH.get(value.strip().lower()) if isinstance(value, str) else None


def _text(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return np.nan
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


CONVERTERS = {NUMBER: to_numbers, BOOLEAN: to_booleans, DATE: to_dates, CATEGORY: to_categories, TEXT: to_categories}


def to_kind(values: pd.Series, kind: str, form: str = "") -> pd.Series:
    """The values converted to a kind; `form` is the format of dates."""
    return to_dates(values, form) if form else CONVERTERS[kind](values)


def check_date_texts(frame: pd.DataFrame, formats: Mapping[str, str]) -> None:
    """Raise an error for texts in columns of dates that do not have the format: they would silently become missing."""
    for name, form in formats.items():
        if name not in frame.columns or frame[name].dtype.kind == "M":
            continue
        wrong = frame[name].notna() & to_dates(frame[name], form).isna()
        if wrong.any():
            place = int(wrong.to_numpy().argmax())
            first_row = frame.index.start if isinstance(frame.index, pd.RangeIndex) else 0
            raise StepError(
                f"{name!r} of row {first_row + place + 1} is {frame[name].iloc[place]!r}; expected a date as {form}"
            )


def to_typed_frame(
    frame: pd.DataFrame, kinds: Mapping[str, str], nullable: Sequence[str], formats: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """A frame with exactly these columns, converted to their kinds. Nullable columns may be left out of the frame."""
    lacking = [name for name in kinds if name not in frame.columns]
    if needed := [name for name in lacking if name not in nullable]:
        raise StepError(
            f"the data lacks the column{'s' if len(needed) > 1 else ''} {', '.join(map(repr, needed[:10]))} "
            f"that the model needs; {build_suggestion(needed[0], frame.columns)}"
        )
    empty = pd.Series(np.nan, index=frame.index)
    formats_by_name = formats or {}
    columns = {
        name: to_kind(frame.get(name, empty), kind, formats_by_name.get(name, "")) for name, kind in kinds.items()
    }
    return pd.DataFrame(columns, index=frame.index, copy=False)


class Columns(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """The first step of every model: selects its columns from any frame, and converts them to their kinds."""

    def __init__(self, kinds: dict[str, str], nullable: list[str], formats: dict[str, str] | None = None):
        self.kinds = kinds
        self.nullable = nullable
        self.formats = formats

    def fit(self, frame: pd.DataFrame, target: Any = None) -> Columns:
        """Store the names of the columns."""
        self.feature_names_in_ = np.asarray(list(self.kinds), dtype=object)
        self.n_features_in_ = len(self.kinds)
        return self

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The columns of the recipe."""
        formats = getattr(self, "formats", None) or {}  # models of earlier versions lack it
        check_date_texts(frame, formats)
        return to_typed_frame(frame, self.kinds, self.nullable, formats)

    def get_feature_names_out(self, names: Any = None) -> Any:
        """The names of the columns."""
        return np.asarray(list(self.kinds), dtype=object)
