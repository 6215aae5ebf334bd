"""Conversion of columns to the kinds of a recipe, and the first step of models, which does it."""

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
    """As floats; what is no number is missing, and so is infinity."""
    if values.dtype.kind == "m":
        found = values.dt.total_seconds()
    elif values.dtype.kind in "biuf":
        found = values
    else:
        found = pd.to_numeric(values.where(values.notna(), None).astype(object), errors="coerce")
    made = found if found.dtype == np.float64 else found.astype("float64")
    infinite = np.isinf(made.to_numpy())
    return made.mask(infinite) if infinite.any() else made


def to_booleans(values: pd.Series) -> pd.Series:
    """As truth values, of type bool where none is missing."""
    if values.dtype == bool:
        return values
    found = values.astype(object).map(_truth)
    return found.astype(bool) if found.notna().all() else found.astype(object)


def to_dates(values: pd.Series, form: str = "") -> pd.Series:
    """As times without a zone, in UTC; what is no time is missing. `form` is how they are written, if not ISO 8601."""
    if values.dtype.kind == "M" and getattr(values.dtype, "tz", None) is None:
        return values.astype("datetime64[us]")
    if form:
        found = pd.to_datetime(values.astype(object), errors="coerce", format=form)
        found = found.dt.tz_convert(None) if found.dt.tz is not None else found
        return found.astype("datetime64[us]")
    if is_text(values):
        # Nor are a week's day or a number without dashes, which pandas and Python take for times or do not.
        written = values.astype(object).map(is_date_text, na_action="ignore")
        values = values.where(written.fillna(False).astype(bool))
    found = pd.to_datetime(values, errors="coerce", utc=True, format="ISO8601")
    return found.dt.tz_localize(None).astype("datetime64[us]")


def to_categories(values: pd.Series) -> pd.Series:
    """As text; what is missing stays so."""
    if not is_text(values):
        return values.astype(object).map(_text).astype(object)
    found = values.astype(object)
    missing = values.isna()
    return found.mask(missing, np.nan) if missing.any() else found


def is_text(values: pd.Series) -> bool:
    """Whether each value is a text or missing."""
    return isinstance(values.dtype, pd.StringDtype) or (
        values.dtype == object and pd.api.types.infer_dtype(values, skipna=True) == "string"
    )


def is_dates(values: pd.Series) -> bool:
    """Whether all of these are times, or text that says one."""
    if values.dtype.kind == "M":
        return True
    return all(map(_is_date, values)) and bool(to_dates(values).notna().all())


def is_booleans(values: pd.Series) -> bool:
    """Whether all of these are truth values, or say one."""
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
    """Values of a kind; `form` is how dates are written."""
    return to_dates(values, form) if form else CONVERTERS[kind](values)


def check_date_texts(frame: pd.DataFrame, formats: Mapping[str, str]) -> None:
    """Refuse texts in columns of dates that are written otherwise: nobody would know that they count as missing."""
    for name, form in formats.items():
        if name not in frame.columns or frame[name].dtype.kind == "M":
            continue
        wrong = frame[name].notna() & to_dates(frame[name], form).isna()
        if wrong.any():
            place = int(wrong.to_numpy().argmax())
            before = frame.index.start if isinstance(frame.index, pd.RangeIndex) else 0
            raise StepError(
                f"{name!r} of row {before + place + 1} is {frame[name].iloc[place]!r}; expected a date as {form}"
            )


def to_typed_frame(
    frame: pd.DataFrame, kinds: Mapping[str, str], nullable: Sequence[str], formats: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Exactly these columns, each with values of its kind. Those that may be missing as values may lack as a whole."""
    lacking = [name for name in kinds if name not in frame.columns]
    if needed := [name for name in lacking if name not in nullable]:
        raise StepError(
            f"the data lacks the column{'s' if len(needed) > 1 else ''} {', '.join(map(repr, needed[:10]))} "
            f"that the model needs; {build_suggestion(needed[0], frame.columns)}"
        )
    empty = pd.Series(np.nan, index=frame.index)
    forms = formats or {}
    made = {name: to_kind(frame.get(name, empty), kind, forms.get(name, "")) for name, kind in kinds.items()}
    return pd.DataFrame(made, index=frame.index, copy=False)


class Columns(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """The first step of every model: it takes its columns, in their kinds, from whatever frame it is given."""

    def __init__(self, kinds: dict[str, str], nullable: list[str], formats: dict[str, str] | None = None):
        self.kinds = kinds
        self.nullable = nullable
        self.formats = formats

    def fit(self, frame: pd.DataFrame, target: Any = None) -> Columns:
        """Nothing is learnt here."""
        self.feature_names_in_ = np.asarray(list(self.kinds), dtype=object)
        self.n_features_in_ = len(self.kinds)
        return self

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The columns of the recipe."""
        formats = getattr(self, "formats", None) or {}  # Models of before have none.
        check_date_texts(frame, formats)
        return to_typed_frame(frame, self.kinds, self.nullable, formats)

    def get_feature_names_out(self, names: Any = None) -> Any:
        """The columns themselves."""
        return np.asarray(list(self.kinds), dtype=object)
