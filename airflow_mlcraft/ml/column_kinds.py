"""Kinds of columns, detected from their values, with notes about the detection."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml import columns as kinds

KINDS = (kinds.NUMBER, kinds.CATEGORY, kinds.BOOLEAN, kinds.DATE, kinds.TEXT)
_MOSTLY = 0.9
_MAX_LISTED = 3
_PROBED = 50
_WORDS = 4
_MANY = 20
_DAYS = [f"%d{mark}%m{mark}%Y" for mark in "/.-"]
_MONTHS = [f"%m{mark}%d{mark}%Y" for mark in "/.-"]
_OTHERS = ["%Y/%m/%d", "%Y.%m.%d", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y"]
_CLOCKS = ("", " %H:%M", " %H:%M:%S")
_DIGIT = re.compile(r"\d")
_CODE = re.compile(r"0\d+", re.ASCII)
_POSTAL = re.compile(r"(.*_)?(zip|zip_?code|post_?code|postal_?code|plz)", re.IGNORECASE)
_ID = re.compile(r"(.*[a-z0-9_])?_?(id|uuid|guid|index|unnamed: 0)", re.IGNORECASE)
_UNNAMED = re.compile(r"column_\d+", re.ASCII)
"""The name of a column without a name in the header."""
_SPREAD = 4


@dataclass(frozen=True)
class Kind:
    """The kind of a column, with the format of dates other than ISO 8601, and a note for the user.

    `month_first` is the format with day and month the other way round, if all values fit that as well.
    """

    name: str
    format: str = ""
    note: str = ""
    month_first: str = ""


@dataclass(frozen=True)
class KindOptions:
    """Kinds and formats of dates that the user names, by column."""

    types: Mapping[str, str] = field(default_factory=dict)
    dates: Mapping[str, str] = field(default_factory=dict)

    def check(self, names: Sequence[str]) -> None:
        """Raise an error for columns that the data lacks, and for unknown kinds and formats."""
        from airflow_mlcraft.common.did_you_mean import build_suggestion

        for option, columns in (("types", self.types), ("dates", self.dates)):
            if unknown := [name for name in columns if name not in names]:
                raise StepError(
                    f"--{option}: the data has no column {unknown[0]!r}; {build_suggestion(unknown[0], list(names))}"
                )
        for name, kind in self.types.items():
            if kind not in KINDS:
                raise StepError(f"--types: {name!r} is to be {kind!r}; expected one of {', '.join(KINDS)}")
        for name, form in self.dates.items():
            if not isinstance(form, str) or "%" not in form:
                raise StepError(f"--dates: {name!r} has the format {form!r}; expected one such as %d/%m/%Y")


def detect_kind(values: pd.Series, options: KindOptions) -> Kind:
    """Detect the kind of a column from its values that are not missing."""
    name = str(values.name)
    if name in options.dates:
        return _dates_in_format(values, options.dates[name])
    if name in options.types:
        return _kind_from_user(values, options.types[name])
    if _is_numeric(values):
        return _number(values, name)
    if isinstance(values.dtype, pd.CategoricalDtype):
        return Kind(kinds.BOOLEAN if kinds.is_booleans(values) else kinds.CATEGORY)
    return _object(values, name)


def is_identifier(values: pd.Series) -> bool:
    """Whether a column of whole numbers or texts is called an id, or numbers the rows, and each row has another."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(values.name)).strip()
    whole = values.dtype.kind in "iu" or kinds.is_text(values)
    named = _ID.fullmatch(name) is not None or (_UNNAMED.fullmatch(name) is not None and _are_row_numbers(values))
    return whole and len(values) > _MANY and named and bool(values.is_unique)


def _are_row_numbers(values: pd.Series) -> bool:
    """Whether whole numbers leave out no more than a test part of the numbers between the least and the largest."""
    return values.dtype.kind in "iu" and int(values.max()) - int(values.min()) < _SPREAD * len(values)


def _is_numeric(values: pd.Series) -> bool:
    return values.dtype.kind == "m" or (values.dtype.kind in "iuf" and values.dtype != bool)


def _number(values: pd.Series, name: str) -> Kind:
    if values.dtype.kind in "iu" and _POSTAL.fullmatch(name):
        remark = f'set types = {{ {name} = "number" }} where it is one'
        return Kind(kinds.CATEGORY, note=f"the column {name!r} holds postal codes, which are categories; {remark}")
    return Kind(kinds.NUMBER)


def _object(values: pd.Series, name: str) -> Kind:
    if kinds.is_booleans(values):
        return Kind(kinds.BOOLEAN)
    return Kind(kinds.DATE) if kinds.is_dates(values) else _text(values, name)


def _text(values: pd.Series, name: str) -> Kind:
    texts = values.astype(object)
    if kinds.is_text(values):
        codes = texts.map(lambda text: _CODE.fullmatch(text) is not None)
        if codes.any() and all(text.isdecimal() for text in texts):
            return Kind(
                kinds.CATEGORY,
                note=f"the column {name!r} holds codes such as {texts[codes].iloc[0]!r}, which are categories; "
                f'set types = {{ {name} = "number" }} where they are numbers',
            )
        if (found := _date_format(texts, name)) is not None:
            return found
    numbers = pd.to_numeric(texts, errors="coerce").notna()
    share = float(numbers.mean())
    if share == 1:
        return Kind(kinds.NUMBER)
    if share > 0:
        return Kind(kinds.NUMBER if share >= _MOSTLY else kinds.CATEGORY, note=_mixed_note(values, numbers, share))
    if kinds.is_text(values) and _is_free_text(texts):
        note = f"the column {name!r} is free text: its words are weighed (TF-IDF)"
        return Kind(kinds.TEXT, note=f'{note}; set types = {{ {name} = "category" }}, or drop it, where it is none')
    return Kind(kinds.CATEGORY)


def _kind_from_user(values: pd.Series, kind: str) -> Kind:
    if kind == kinds.DATE and kinds.is_text(values) and not kinds.is_dates(values):
        found = _date_format(values.astype(object), str(values.name))
        if found is None:
            raise StepError(
                f"--types: {values.name!r} is to be a date, and has values such as {values.iloc[0]!r}; "
                f'say how they are written: dates = {{ {values.name} = "%d/%m/%Y" }}'
            )
        return found
    if kinds.CONVERTERS[kind](values).notna().sum() < len(values):
        odd = values[kinds.CONVERTERS[kind](values).isna()].iloc[0]
        note = f"the column {values.name!r} is taken for a {kind}, as types says; {odd!r} is none, and so missing"
        return Kind(kind, note=note)
    return Kind(kind)


def _dates_in_format(values: pd.Series, form: str) -> Kind:
    if values.dtype.kind == "M":
        return Kind(kinds.DATE)
    try:
        missing = kinds.to_dates(values, form).isna()
    except (ValueError, TypeError) as error:
        raise StepError(f"--dates: {form!r} is no format of dates for {values.name!r}: {error}") from None
    if missing.all():
        raise StepError(f"--dates: {values.iloc[0]!r} of {values.name!r} is no date as {form}")
    note = f"the column {values.name!r} has {int(missing.sum())} values that are no dates as {form}, such as "
    return Kind(kinds.DATE, form, note + repr(values[missing].iloc[0]) if missing.any() else "")


def _date_format(texts: pd.Series, name: str) -> Kind | None:
    """The format by which all texts are dates; None if there is none."""
    sample = texts.head(_PROBED)
    if not sample.map(lambda text: _DIGIT.search(text) is not None).all():
        return None
    days = _first_format(texts, sample, _DAYS)
    months = _first_format(texts, sample, _MONTHS)
    found = days or months or _first_format(texts, sample, _OTHERS)
    if found is None:
        return None
    note = f"the column {name!r} holds dates as {found}, such as {texts.iloc[0]!r}"
    if days and months:
        note += f'; month and day could be the other way round: set dates = {{ {name} = "{months}" }} where they are'
    return Kind(kinds.DATE, found, note, months if days and months else "")


def find_ambiguous_dates(frame: pd.DataFrame, options: KindOptions | None = None) -> dict[str, dict[str, str]]:
    """Columns whose dates can be read with the day first and with the month first: an example, and both formats."""
    found = {}
    for name in map(str, frame.columns):
        values = frame[name].dropna()
        if len(values) and kinds.is_text(values):
            kind = detect_kind(values, options or KindOptions())
            if kind.month_first:
                found[name] = describe_ambiguous(values, kind)
    return found


def describe_ambiguous(values: pd.Series, kind: Kind) -> dict[str, str]:
    """An example of ambiguous dates, and both formats."""
    return {"example": str(values.iloc[0]), "day_first": kind.format, "month_first": kind.month_first}


def _first_format(texts: pd.Series, sample: pd.Series, forms: Sequence[str]) -> str | None:
    for form in (day + clock for day in forms for clock in _CLOCKS):
        if all(bool(kinds.to_dates(part, form).notna().all()) for part in (sample, texts)):
            return form
    return None


def _is_free_text(texts: pd.Series) -> bool:
    """Many different texts of several words each."""
    if texts.nunique() <= max(_MANY, len(texts) / 2):
        return False
    return float(texts.map(lambda text: len(text.split())).mean()) >= _WORDS


def _mixed_note(values: pd.Series, found: pd.Series, share: float) -> str:
    odd = ", ".join(_first_distinct(values[~found]))
    done = "it is taken for numbers, and these are missing" if share >= _MOSTLY else "it is taken for text"
    return (
        f"the column {values.name!r} mixes {int(found.sum())} numbers and {int((~found).sum())} texts ({odd}): {done}"
    )


def _first_distinct(values: Sequence[Any] | pd.Series) -> Iterator[str]:
    seen = list(dict.fromkeys(str(value) for value in values))
    yield from (repr(one) for one in seen[:_MAX_LISTED])
