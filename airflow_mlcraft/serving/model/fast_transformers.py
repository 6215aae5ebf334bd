"""Fitted transformers of scikit-learn as functions on plain arrays: the same numbers without data frames and checks.

A guess may be wrong for an option not thought of here: `predictor` compares, and uses none that differs.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from airflow_mlcraft.serving.model.tables import Table

Array = Any
Step = Callable[[Array], Array]
Entry = Callable[[Table], Array]


class NotPlain(Exception):  # noqa: N818 - a turn to the other way, not a fault
    """There is no plain form of this."""


def transformer(fitted: Any) -> Step:
    """What `fitted.transform` does."""
    kind = type(fitted)
    known = kind.__module__.split(".")[0] in ("sklearn", "airflow_mlcraft")
    make = KNOWN.get(kind.__name__) if known else None
    found = make(fitted) if make is not None else None
    return _as_it_is(fitted) if found is None else found


def entry(fitted: Any, names: Sequence[str], place: dict[str, tuple[bool, int]]) -> Entry:
    """What the first step of a pipeline does with a whole table: the one that sees column names."""
    if type(fitted).__name__ != "ColumnTransformer":
        gather, step = gathering(names, place), transformer(fitted)
        return lambda table: step(gather(table))
    parts: list[Entry] = []
    for _, part, wanted in fitted.transformers_:
        if isinstance(part, str) and part == "drop":
            continue
        chosen = _chosen(wanted, names)
        if not chosen:
            continue
        parts.append(_branch(part, chosen, place))
    if not parts:
        raise NotPlain
    if len(parts) == 1:
        return parts[0]
    return lambda table: np.hstack([part(table) for part in parts])


def gathering(names: Sequence[str], place: dict[str, tuple[bool, int]]) -> Entry:
    """The columns of these names side by side: numbers as floats, and as objects when a text is among them."""
    places = [place[name] for name in names]
    if all(numeric for numeric, _ in places):
        index = [position for _, position in places]
        total = sum(numeric for numeric, _ in place.values())
        if index == list(range(total)):
            return lambda table: table.numbers
        return lambda table: table.numbers[:, index]
    if not any(numeric for numeric, _ in places):
        among = [position for _, position in places]
        return lambda table: table.texts[:, among]

    def mixed(table: Table) -> Array:
        made = np.empty((len(table), len(places)), dtype=object)
        for column, (numeric, position) in enumerate(places):
            made[:, column] = table.numbers[:, position] if numeric else table.texts[:, position]
        return made

    return mixed


def chain(steps: Sequence[Step]) -> Step:
    """One after the other."""

    def run(array: Array) -> Array:
        for step in steps:
            array = step(array)
        return array

    return run


def without_names(fitted: Any) -> Any:
    """A shallow copy that does not ask for column names, and works in one thread."""
    bare = copy.copy(fitted)
    bare.__dict__.pop("feature_names_in_", None)
    if "n_jobs" in bare.__dict__:
        bare.n_jobs = None
    return bare


def _branch(part: Any, names: Sequence[str], place: dict[str, tuple[bool, int]]) -> Entry:
    gather = gathering(names, place)
    if isinstance(part, str):
        return gather
    step = transformer(part)
    return lambda table: step(gather(table))


def _chosen(wanted: Any, names: Sequence[str]) -> list[str]:
    if isinstance(wanted, str):
        raise NotPlain  # one column as a series, which text vectorizers ask for
    if isinstance(wanted, slice):
        if not all(value is None or isinstance(value, int) for value in (wanted.start, wanted.stop)):
            raise NotPlain
        return list(names[wanted])
    listed = list(wanted)
    if listed and all(isinstance(value, (bool, np.bool_)) for value in listed):
        return [name for name, chosen in zip(names, listed, strict=True) if chosen]
    return [value if isinstance(value, str) else names[int(value)] for value in listed]


def _as_it_is(fitted: Any) -> Step:
    bare = without_names(fitted)

    def run(array: Array) -> Array:
        made = bare.transform(array)
        return made.toarray() if hasattr(made, "toarray") else np.asarray(made)

    return run


def _pipeline(fitted: Any) -> Step:
    steps = [step for _, step in fitted.steps if step is not None and step != "passthrough"]
    made: list[Step] = []
    while steps:
        fill = _fill(steps[0]) if len(steps) > 1 and _encoder(steps[1]) else None
        together = None if fill is None else ENCODERS[type(steps[1]).__name__](steps[1], fill)
        made.append(transformer(steps[0]) if together is None else together)
        del steps[: 1 if together is None else 2]
    return chain(made)


def _encoder(fitted: Any) -> bool:
    return type(fitted).__module__.startswith("sklearn.") and type(fitted).__name__ in ENCODERS


def _fill(fitted: Any) -> list[Any] | None:
    """What an imputer puts in place of a missing value, by column, if that is all that it does."""
    if type(fitted).__name__ != "SimpleImputer" or not type(fitted).__module__.startswith("sklearn."):
        return None
    if fitted.add_indicator or fitted.missing_values == fitted.missing_values:
        return None
    values = list(fitted.statistics_)
    return None if any(_key(value) is None for value in values) else values


def _missing(array: Array) -> Array:
    if array.dtype == object:
        return np.asarray((array == None) | (array != array), dtype=bool)  # noqa: E711, PLR0124 - by element
    return np.isnan(array)


def _imputer(fitted: Any) -> Step | None:
    if fitted.add_indicator or fitted.missing_values == fitted.missing_values:
        return None
    fill = fitted.statistics_
    empty = _missing(np.asarray(fill, dtype=object).reshape(1, -1))[0]
    kept = None if not empty.any() or fitted.keep_empty_features else np.flatnonzero(~empty)

    def run(array: Array) -> Array:
        missing = _missing(array)
        if missing.any():
            array = np.where(missing, fill, array)
        return array if kept is None else array[:, kept]

    return run


def _standard(fitted: Any) -> Step:
    mean = fitted.mean_ if fitted.with_mean else None
    scale = fitted.scale_ if fitted.with_std else None

    def run(array: Array) -> Array:
        if mean is not None:
            array = array - mean
        return array if scale is None else array / scale

    return run


def _min_max(fitted: Any) -> Step | None:
    if fitted.clip:
        return None
    scale, least = fitted.scale_, fitted.min_
    return lambda array: array * scale + least


def _one_hot(fitted: Any, fill: Sequence[Any] | None = None) -> Step | None:
    if fitted.drop is not None:
        return None
    widths = fitted._n_features_outs
    rare = fitted._infrequent_indices if fitted._infrequent_enabled else [None] * len(widths)
    mappings = fitted._default_to_infrequent_mappings if fitted._infrequent_enabled else rare
    starts = np.concatenate([[0], np.cumsum(widths)]).tolist()
    if starts[-1] > _WIDEST:
        raise NotPlain
    codes = []
    for column, values in enumerate(fitted.categories_):
        start, mapping, rares = starts[column], mappings[column], rare[column]
        places = [start + (index if mapping is None else int(mapping[index])) for index in range(len(values))]
        unknown = np.nan
        if mapping is not None and rares is not None and fitted.handle_unknown != "ignore":
            unknown = start + int(mapping[rares[0]])
        codes.append(_Codes(values, places, unknown, fitted.handle_unknown == "error", fill and fill[column]))
    width, dtype = starts[-1], fitted.dtype

    def run(array: Array) -> Array:
        made = np.zeros((len(array), width), dtype=dtype)
        rows = np.arange(len(array))
        for column, values in enumerate(array.T.tolist()):
            places = codes[column].of(values)
            none = np.isnan(places)
            if none.any():
                made[rows[~none], places[~none].astype(np.intp)] = 1
            else:
                made[rows, places.astype(np.intp)] = 1
        return made

    return run


def _ordinal(fitted: Any, fill: Sequence[Any] | None = None) -> Step | None:
    if getattr(fitted, "_infrequent_enabled", False):
        return None
    refuse = fitted.handle_unknown == "error"
    unknown = np.nan if fitted.unknown_value is None else fitted.unknown_value
    codes = []
    for column, values in enumerate(fitted.categories_):
        places = [fitted.encoded_missing_value if _key(value) is None else place for place, value in enumerate(values)]
        codes.append(_Codes(values, places, unknown, refuse, fill and fill[column]))
    dtype = fitted.dtype

    def run(array: Array) -> Array:
        made = np.empty(array.shape, dtype=dtype)
        for column, values in enumerate(array.T.tolist()):
            made[:, column] = codes[column].of(values)
        return made

    return run


def _target_mean(fitted: Any, fill: Sequence[Any] | None = None) -> Step:
    """Each category as the mean target in training; one number for each class where there are several."""
    several = fitted.target_type_ == "multiclass"
    width = len(fitted.classes_) if several else 1
    means = np.asarray(fitted.target_mean_, dtype=np.float64).reshape(1, -1)
    codes, numbers = [], []
    for column, values in enumerate(fitted.categories_):
        encodings = fitted.encodings_[column * width : (column + 1) * width]
        known = np.column_stack([np.asarray(one, dtype=np.float64) for one in encodings])
        numbers.append(np.vstack([known, means]))
        codes.append(_Codes(values, range(len(values)), len(values), False, fill and fill[column]))

    def run(array: Array) -> Array:
        made = np.empty((len(array), len(codes) * width))
        for column, values in enumerate(array.T.tolist()):
            places = codes[column].of(values).astype(np.intp)
            made[:, column * width : (column + 1) * width] = numbers[column].take(places, axis=0)
        return made

    return run


class _Codes:
    """Categories of one column as numbers. What is missing is `fill`, where an imputer comes before."""

    def __init__(self, categories: Sequence[Any], codes: Sequence[float], unknown: float, refuse: bool, fill: Any):
        self._known = {_key(value): float(code) for value, code in zip(categories, codes, strict=True)}
        self._unknown, self._refuse = unknown, refuse
        if fill is not None:
            # An unknown fill that is to be refused stays unknown.
            self._known.pop(None, None)
            if fill in self._known or not refuse:
                self._known[None] = self._known.get(fill, unknown)

    def of(self, values: Sequence[Any]) -> Array:
        """One code a value. Refuses a value that training has not seen, if the encoder does."""
        codes = np.fromiter(map(self._known.get, values, repeat(np.nan)), np.float64, len(values))
        missing = np.isnan(codes)
        if missing.any():
            for row in np.flatnonzero(missing).tolist():
                key = _key(values[row])
                if self._refuse and key not in self._known:
                    raise ValueError(f"{values[row]!r} is a category that was not there when the model was trained")
                codes[row] = self._known.get(key, self._unknown)
        return codes


def _key(value: Any) -> Any:
    """Missing is missing, whether it is None or NaN."""
    return None if value is None or value != value else value  # noqa: PLR0124


_WIDEST = 5000
ENCODERS: dict[str, Callable[[Any, Sequence[Any] | None], Step | None]] = {
    "OneHotEncoder": _one_hot,
    "OrdinalEncoder": _ordinal,
    "TargetEncoder": _target_mean,
}
KNOWN: dict[str, Callable[[Any], Step | None]] = {
    "Pipeline": _pipeline,
    "SimpleImputer": _imputer,
    "StandardScaler": _standard,
    "MinMaxScaler": _min_max,
    "OneHotEncoder": _one_hot,
    "OrdinalEncoder": _ordinal,
    "TargetEncoder": _target_mean,
}
