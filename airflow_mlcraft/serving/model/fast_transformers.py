"""Fast forms of fitted scikit-learn transformers: functions on numpy arrays, without data frames and input checks.

A fast form may be wrong for an option that is not handled here; `predictor` compares it with scikit-learn before use.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from airflow_mlcraft.adapters.sklearn import merges_rare_categories, read_one_hot_columns
from airflow_mlcraft.serving.model.tables import Table

Array = Any
ArrayFunction = Callable[[Array], Array]
TableFunction = Callable[[Table], Array]


class NoFastFormError(Exception):
    """A step has no fast form; the model is then called with data frames."""


def build_transformer(fitted: Any) -> ArrayFunction:
    """The fast form of `fitted.transform`, or the method itself where there is none."""
    fitted_class = type(fitted)
    is_known = fitted_class.__module__.split(".")[0] in ("sklearn", "airflow_mlcraft")
    build = TRANSFORMERS.get(fitted_class.__name__) if is_known else None
    fast = build(fitted) if build is not None else None
    return _wrap_transform(fitted) if fast is None else fast


def build_first_step(fitted: Any, names: Sequence[str], positions: dict[str, tuple[bool, int]]) -> TableFunction:
    """The first step of a pipeline as a function of tables: only this step sees column names."""
    if type(fitted).__name__ != "ColumnTransformer":
        select, step = build_column_selector(names, positions), build_transformer(fitted)
        return lambda table: step(select(table))
    parts: list[TableFunction] = []
    for _, part, columns in fitted.transformers_:
        if isinstance(part, str) and part == "drop":
            continue
        part_names = _resolve_columns(columns, names)
        if not part_names:
            continue
        parts.append(_build_branch(part, part_names, positions))
    if not parts:
        raise NoFastFormError
    if len(parts) == 1:
        return parts[0]
    return lambda table: np.hstack([part(table) for part in parts])


def build_column_selector(names: Sequence[str], positions: dict[str, tuple[bool, int]]) -> TableFunction:
    """A function that selects columns of a table as one array of floats, or of objects if one of them is text."""
    selected = [positions[name] for name in names]
    if all(numeric for numeric, _ in selected):
        index = [position for _, position in selected]
        total = sum(numeric for numeric, _ in positions.values())
        if index == list(range(total)):
            return lambda table: table.numbers
        return lambda table: table.numbers[:, index]
    if not any(numeric for numeric, _ in selected):
        indexes = [position for _, position in selected]
        return lambda table: table.texts[:, indexes]

    def mixed(table: Table) -> Array:
        result = np.empty((len(table), len(selected)), dtype=object)
        for column, (numeric, position) in enumerate(selected):
            result[:, column] = table.numbers[:, position] if numeric else table.texts[:, position]
        return result

    return mixed


def chain_steps(steps: Sequence[ArrayFunction]) -> ArrayFunction:
    """The composition of steps, the first one innermost."""

    def run(array: Array) -> Array:
        for step in steps:
            array = step(array)
        return array

    return run


def copy_without_feature_names(fitted: Any) -> Any:
    """A shallow copy that does not check column names, and runs in one thread."""
    copied = copy.copy(fitted)
    copied.__dict__.pop("feature_names_in_", None)
    if "n_jobs" in copied.__dict__:
        copied.n_jobs = None
    return copied


def _build_branch(part: Any, names: Sequence[str], positions: dict[str, tuple[bool, int]]) -> TableFunction:
    select = build_column_selector(names, positions)
    if isinstance(part, str):
        return select
    step = build_transformer(part)
    return lambda table: step(select(table))


def _resolve_columns(columns: Any, names: Sequence[str]) -> list[str]:
    if isinstance(columns, str):
        raise NoFastFormError  # one column as a series, which text vectorizers ask for
    if isinstance(columns, slice):
        if not all(value is None or isinstance(value, int) for value in (columns.start, columns.stop)):
            raise NoFastFormError
        return list(names[columns])
    listed = list(columns)
    if listed and all(isinstance(value, (bool, np.bool_)) for value in listed):
        return [name for name, is_selected in zip(names, listed, strict=True) if is_selected]
    return [value if isinstance(value, str) else names[int(value)] for value in listed]


def _wrap_transform(fitted: Any) -> ArrayFunction:
    copied = copy_without_feature_names(fitted)

    def run(array: Array) -> Array:
        result = copied.transform(array)
        return result.toarray() if hasattr(result, "toarray") else np.asarray(result)

    return run


def _build_pipeline(fitted: Any) -> ArrayFunction:
    steps = [step for _, step in fitted.steps if step is not None and step != "passthrough"]
    result: list[ArrayFunction] = []
    while steps:
        fill = _get_fill_values(steps[0]) if len(steps) > 1 and _is_encoder(steps[1]) else None
        combined = None if fill is None else ENCODERS[type(steps[1]).__name__](steps[1], fill)
        result.append(build_transformer(steps[0]) if combined is None else combined)
        del steps[: 1 if combined is None else 2]
    return chain_steps(result)


def _is_encoder(fitted: Any) -> bool:
    return type(fitted).__module__.startswith("sklearn.") and type(fitted).__name__ in ENCODERS


def _get_fill_values(fitted: Any) -> list[Any] | None:
    """The fill value of each column of a SimpleImputer, or None if it does more than fill missing values."""
    if type(fitted).__name__ != "SimpleImputer" or not type(fitted).__module__.startswith("sklearn."):
        return None
    if fitted.add_indicator or fitted.missing_values == fitted.missing_values:
        return None
    values = list(fitted.statistics_)
    return None if any(_normalize_missing(value) is None for value in values) else values


def _find_missing(array: Array) -> Array:
    if array.dtype == object:
        return np.asarray((array == None) | (array != array), dtype=bool)  # noqa: E711, PLR0124 - by element
    return np.isnan(array)


def _build_imputer(fitted: Any) -> ArrayFunction | None:
    if fitted.add_indicator or fitted.missing_values == fitted.missing_values:
        return None
    fill = fitted.statistics_
    empty = _find_missing(np.asarray(fill, dtype=object).reshape(1, -1))[0]
    kept = None if not empty.any() or fitted.keep_empty_features else np.flatnonzero(~empty)

    def run(array: Array) -> Array:
        missing = _find_missing(array)
        if missing.any():
            array = np.where(missing, fill, array)
        return array if kept is None else array[:, kept]

    return run


def _build_standard_scaler(fitted: Any) -> ArrayFunction:
    mean = fitted.mean_ if fitted.with_mean else None
    scale = fitted.scale_ if fitted.with_std else None

    def run(array: Array) -> Array:
        if mean is not None:
            array = array - mean
        return array if scale is None else array / scale

    return run


def _build_min_max_scaler(fitted: Any) -> ArrayFunction | None:
    if fitted.clip:
        return None
    scale, least = fitted.scale_, fitted.min_
    return lambda array: array * scale + least


def _build_one_hot(fitted: Any, fill: Sequence[Any] | None = None) -> ArrayFunction | None:
    if fitted.drop is not None:
        return None
    columns = read_one_hot_columns(fitted)
    starts = np.concatenate([[0], np.cumsum([column.width for column in columns])]).tolist()
    if starts[-1] > _MAX_ONE_HOT_WIDTH:
        raise NoFastFormError
    codes = []
    for column, values in enumerate(fitted.categories_):
        start, mapping, rares = starts[column], columns[column].mapping, columns[column].rare
        places = [start + (index if mapping is None else int(mapping[index])) for index in range(len(values))]
        unknown = np.nan
        if mapping is not None and rares is not None and fitted.handle_unknown != "ignore":
            unknown = start + int(mapping[rares[0]])
        codes.append(_CategoryCodes(values, places, unknown, fitted.handle_unknown == "error", fill and fill[column]))
    width, dtype = starts[-1], fitted.dtype

    def run(array: Array) -> Array:
        result = np.zeros((len(array), width), dtype=dtype)
        rows = np.arange(len(array))
        for column, values in enumerate(array.T.tolist()):
            places = codes[column].encode(values)
            none = np.isnan(places)
            if none.any():
                result[rows[~none], places[~none].astype(np.intp)] = 1
            else:
                result[rows, places.astype(np.intp)] = 1
        return result

    return run


def _build_ordinal(fitted: Any, fill: Sequence[Any] | None = None) -> ArrayFunction | None:
    if merges_rare_categories(fitted):
        return None
    refuse = fitted.handle_unknown == "error"
    unknown = np.nan if fitted.unknown_value is None else fitted.unknown_value
    codes = []
    for column, values in enumerate(fitted.categories_):
        places = [
            fitted.encoded_missing_value if _normalize_missing(value) is None else place
            for place, value in enumerate(values)
        ]
        codes.append(_CategoryCodes(values, places, unknown, refuse, fill and fill[column]))
    dtype = fitted.dtype

    def run(array: Array) -> Array:
        result = np.empty(array.shape, dtype=dtype)
        for column, values in enumerate(array.T.tolist()):
            result[:, column] = codes[column].encode(values)
        return result

    return run


def _build_target_mean(fitted: Any, fill: Sequence[Any] | None = None) -> ArrayFunction:
    """A TargetEncoder: a category becomes its mean target in training, one number per class of a multiclass target."""
    several = fitted.target_type_ == "multiclass"
    width = len(fitted.classes_) if several else 1
    means = np.asarray(fitted.target_mean_, dtype=np.float64).reshape(1, -1)
    codes, numbers = [], []
    for column, values in enumerate(fitted.categories_):
        encodings = fitted.encodings_[column * width : (column + 1) * width]
        known = np.column_stack([np.asarray(one, dtype=np.float64) for one in encodings])
        numbers.append(np.vstack([known, means]))
        codes.append(_CategoryCodes(values, range(len(values)), len(values), False, fill and fill[column]))

    def run(array: Array) -> Array:
        result = np.empty((len(array), len(codes) * width))
        for column, values in enumerate(array.T.tolist()):
            places = codes[column].encode(values).astype(np.intp)
            result[:, column * width : (column + 1) * width] = numbers[column].take(places, axis=0)
        return result

    return run


class _CategoryCodes:
    """The codes of one column's categories. A missing value has the code of `fill`, where an imputer comes before."""

    def __init__(self, categories: Sequence[Any], codes: Sequence[float], unknown: float, refuse: bool, fill: Any):
        self._codes = {_normalize_missing(value): float(code) for value, code in zip(categories, codes, strict=True)}
        self._unknown, self._refuse = unknown, refuse
        if fill is not None:
            # A fill value that is not a category, under an encoder that refuses unknown ones, stays unknown.
            self._codes.pop(None, None)
            if fill in self._codes or not refuse:
                self._codes[None] = self._codes.get(fill, unknown)

    def encode(self, values: Sequence[Any]) -> Array:
        """One code per value; raises ValueError for an unknown category if the encoder does."""
        codes = np.fromiter(map(self._codes.get, values, repeat(np.nan)), np.float64, len(values))
        missing = np.isnan(codes)
        if missing.any():
            for row in np.flatnonzero(missing).tolist():
                key = _normalize_missing(values[row])
                if self._refuse and key not in self._codes:
                    raise ValueError(f"{values[row]!r} is a category that was not there when the model was trained")
                codes[row] = self._codes.get(key, self._unknown)
        return codes


def _normalize_missing(value: Any) -> Any:
    """None for both kinds of missing value, None and NaN; other values as they are."""
    return None if value is None or value != value else value  # noqa: PLR0124


_MAX_ONE_HOT_WIDTH = 5000
ENCODERS: dict[str, Callable[[Any, Sequence[Any] | None], ArrayFunction | None]] = {
    "OneHotEncoder": _build_one_hot,
    "OrdinalEncoder": _build_ordinal,
    "TargetEncoder": _build_target_mean,
}
TRANSFORMERS: dict[str, Callable[[Any], ArrayFunction | None]] = {
    "Pipeline": _build_pipeline,
    "SimpleImputer": _build_imputer,
    "StandardScaler": _build_standard_scaler,
    "MinMaxScaler": _build_min_max_scaler,
    "OneHotEncoder": _build_one_hot,
    "OrdinalEncoder": _build_ordinal,
    "TargetEncoder": _build_target_mean,
}
