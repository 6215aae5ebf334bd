"""Check that a user's `process` returns the same features for a single row as for the row in a table."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.recipe import Recipe
from airflow_mlcraft.ml.row_process import RawColumn, to_raw_types

_SAMPLE = 64
_OFFSET = 10_000_019
"""The offset of sampled rows' labels, by which a process that renumbers its rows is detected."""
_MOST_ABLATED = 200
_ADVICE = (
    "process() runs on each row to predict for; rows are left out in clean_table(), which runs on the whole table in "
    "training only, and gaps, scales and categories are seen to by the model"
)
Process = Callable[[pd.DataFrame], pd.DataFrame]


class ProcessCheck:
    """Runs `process` on rows of a table together, alone and in reverse, and compares the features."""

    def __init__(self, path: Path, process: Process, recipe: Recipe, columns: Sequence[RawColumn]):
        self._path, self._process, self._recipe = path, process, recipe
        self._columns = tuple(columns)

    def run(self, table: pd.DataFrame, result: pd.DataFrame | None, added: Sequence[str]) -> frozenset[str]:
        """Raise an error if features of a row depend on other rows.

        Returns the raw columns that the features do not depend on. `table` has the raw rows of training, and `result`
        is
        the result of `process` for it, with the labels of the table's rows.
        """
        sample = self._sample(table)
        result_with_target = self._run(sample)
        raw = to_raw_types(sample, self._columns)
        together = self._without_target(raw, added)
        self._compare(self._features(result_with_target), self._features(together), "with the target", "without it")
        alone = self._each_alone(raw)
        keeps_labels = together.index.isin(sample.index).all() and together.index.is_unique
        self._compare_alone(together, alone, len(raw), keeps_labels=bool(keeps_labels))
        self._compare(
            self._features(together),
            self._compute_in_reverse(raw, together, bool(keeps_labels)),
            "in the table",
            "in another order",
        )
        if keeps_labels and result is not None:
            labelled = result.set_axis(result.index + _OFFSET, axis=0)
            common_labels = alone.index.intersection(labelled.index)
            self._compare(
                self._features(labelled.loc[common_labels]),
                self._features(alone.loc[common_labels]),
                "in the table",
                "for the row alone",
            )
        return self._find_unneeded_columns(raw, self._features(together))

    def _sample(self, table: pd.DataFrame) -> pd.DataFrame:
        places = np.unique(np.linspace(0, len(table) - 1, min(_SAMPLE, len(table))).round().astype(int))
        found = table.iloc[places]
        return found.set_axis(found.index + _OFFSET, axis=0)

    def _run(self, rows: pd.DataFrame) -> pd.DataFrame:
        return self._process(rows.copy())

    def _features(self, result: pd.DataFrame) -> pd.DataFrame:
        return self._recipe.typed(result)

    def _without_target(self, raw: pd.DataFrame, added: Sequence[str]) -> pd.DataFrame:
        try:
            return self._check_result(self._run(raw), raw)
        except StepError as error:
            addition = f", nor {', '.join(map(repr, added))}, which clean_table() makes" if added else ""
            raise StepError(
                f"{error}: {self._path.name} fails for rows without the target {self._recipe.target!r}. {_ADVICE}, "
                f"and a row to predict for has no {self._recipe.target!r}{addition}"
            ) from error

    def _check_result(self, result: pd.DataFrame, given: pd.DataFrame) -> pd.DataFrame:
        """Raise an error unless all features exist, and no rows were added."""
        lacking = [name for name in self._recipe.features if name not in result.columns]
        if lacking:
            raise StepError(f"{self._place(lacking[0])}: process() makes no column {lacking[0]!r}")
        if len(result) > len(given):
            raise StepError(
                f"{self._path.name}: process() makes {len(result)} rows of {len(given)}; "
                f"expected one for each. {_ADVICE}"
            )
        return result

    def _each_alone(self, raw: pd.DataFrame) -> pd.DataFrame:
        """The features of each row computed alone, with its label, without rows that `process` leaves out."""
        results = []
        for place in range(len(raw)):
            row = raw.iloc[[place]]
            try:
                result = self._check_result(self._run(row), row)
            except StepError as error:
                raise StepError(
                    f"{error}: so it is for a row that comes alone (row {self._row(row)}). {_ADVICE}"
                ) from error
            results.append(result.set_axis(row.index[: len(result)], axis=0))
        alone = (
            pd.concat([self._features(row_result) for row_result in results if len(row_result)])
            if any(map(len, results))
            else None
        )
        if alone is None:
            raise StepError(f"{self._path.name}: process() leaves out every row that comes alone. {_ADVICE}")
        return alone

    def _compare_alone(self, together: pd.DataFrame, alone: pd.DataFrame, rows: int, *, keeps_labels: bool) -> None:
        features = self._features(together)
        places = ("in the table", "for the row alone")
        if keeps_labels:
            if lost := sorted(set(features.index) - set(alone.index)):
                raise StepError(
                    f"{self._path.name}: process() leaves out row {lost[0] - _OFFSET + 1} when it comes alone, and "
                    f"keeps it in the table. {_ADVICE}"
                )
            self._compare(features, alone.loc[features.index], *places)
        elif len(features) == len(alone):
            self._compare(features.set_axis(alone.index, axis=0), alone, *places)
        else:
            known_rows = set(map(_comparison_key, alone.itertuples(index=False)))
            for row in features.itertuples(index=False):
                if _comparison_key(row) not in known_rows:
                    raise StepError(
                        f"{self._path.name}: process() gives other features for rows alone than in the table. {_ADVICE}"
                    )

    def _compute_in_reverse(self, raw: pd.DataFrame, together: pd.DataFrame, keeps_labels: bool) -> pd.DataFrame:
        result = self._features(self._run(raw.iloc[::-1]))
        if keeps_labels and set(result.index) == set(together.index):
            return result.loc[together.index]
        if len(result) != len(together) or keeps_labels:
            return self._features(together)
        return result.iloc[::-1].set_axis(together.index, axis=0)

    def _compare(self, one: pd.DataFrame, other: pd.DataFrame, where: str, there: str) -> None:
        for name in one.columns if len(one) == len(other) else ():
            differ = ~_equal(one[name], other[name])
            if differ.any():
                place = int(differ.argmax())
                raise StepError(
                    f"{self._place(name)}: process() makes {name!r} {_format_value(one[name].iloc[place])} {where} and "
                    f"{_format_value(other[name].iloc[place])} {there} (row {self._row(one.iloc[[place]])}). {_ADVICE}"
                )

    def _find_unneeded_columns(self, raw: pd.DataFrame, features: pd.DataFrame) -> frozenset[str]:
        """Columns that the features do not depend on."""
        if len(raw.columns) > _MOST_ABLATED:
            return frozenset()
        found = set()
        for column in self._columns:
            without_column = to_raw_types(raw.drop(columns=column.name), self._columns)
            try:
                result = self._features(self._run(without_column))
            except StepError:
                continue
            if len(result) == len(features) and all(
                _equal(result[name], features[name]).all() for name in result.columns
            ):
                found.add(column.name)
        return frozenset(found)

    def _row(self, row: pd.DataFrame) -> str:
        label = row.index[0]
        return str(label - _OFFSET + 1) if label >= _OFFSET else str(label + 1)

    def _place(self, column: str) -> str:
        line = find_column_line(self._path, column)
        return f"{self._path.name}:{line}" if line else self._path.name


def check_clean_table(path: Path, raw: pd.DataFrame, cleaned: pd.DataFrame, target: str) -> None:
    """Raise an error unless each row of the cleaned table is a row of the source, since models get unchanged rows."""
    names = [name for name in raw.columns if name != target]
    keeps_labels = cleaned.index.is_unique and cleaned.index.isin(raw.index).all()
    if keeps_labels and cleaned[names].equals(raw.loc[cleaned.index, names]):
        return
    source_rows = set(_hash_rows(raw[names], raw))
    for place, row_hash in enumerate(_hash_rows(cleaned[names], raw)):
        if row_hash not in source_rows:
            changed = _describe_change(raw, cleaned, names, place)
            where = f" ({changed})" if changed else ""
            raise StepError(
                f"{path.name}: clean_table() changes values of row {place + 1}{where}. It runs in training only, so a "
                "row to predict for would differ; it may leave rows out, and process() changes them"
            )


def is_identity(path: Path) -> bool:
    """Whether `process` only returns its argument, as in the current or an earlier template of projects."""
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.FunctionDef) and node.name == "process" and node.args.args and not node.decorator_list:
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            name = node.args.args[0].arg
            statement = ast.unparse(body[0]) if len(body) == 1 else ""
            return statement in (f"return {name}", f"return {name}.dropna(how='all')")
    return False


def find_column_line(path: Path, column: str) -> int:
    """The first line in `process` with the name of a column, also as a keyword; 0 if there is none."""
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.FunctionDef) and node.name == "process":
            lines = [
                part.lineno
                for part in ast.walk(node)
                if (isinstance(part, ast.Constant) and part.value == column)
                or (isinstance(part, ast.keyword) and part.arg == column)
                or (isinstance(part, ast.Attribute) and part.attr == column)
            ]
            return min(lines, default=0)
    return 0


def _equal(one: pd.Series, other: pd.Series) -> Any:
    """Whether values are equal, except for the last bits, which depend on the number of rows computed at once."""
    if one.dtype.kind == "f" and other.dtype.kind == "f":
        return np.isclose(one.to_numpy(), other.to_numpy(), rtol=1e-9, atol=1e-12, equal_nan=True)
    left, right = one.astype(object).to_numpy(), other.astype(object).to_numpy()
    missing = pd.isna(left) & pd.isna(right)
    return missing | np.array([a is b or a == b for a, b in zip(left, right, strict=True)], dtype=bool)


def _comparison_key(row: Any) -> tuple[str, ...]:
    return tuple(f"{value:.9g}" if isinstance(value, float) else str(value) for value in row)


def _hash_rows(frame: pd.DataFrame, raw: pd.DataFrame) -> Any:
    """The hash of each row, with values in the types of the source where possible."""
    result = {}
    for name in frame.columns:
        values = frame[name]
        if values.dtype != raw[name].dtype:
            try:
                values = values.astype(raw[name].dtype)
            except (TypeError, ValueError):
                values = values.astype(str)
        result[name] = values.map(str) if values.dtype == object else values
    return pd.util.hash_pandas_object(pd.DataFrame(result, index=frame.index), index=False).tolist()


def _describe_change(raw: pd.DataFrame, cleaned: pd.DataFrame, names: Sequence[str], place: int) -> str:
    """A description of the changed value, if the row still has its label."""
    label = cleaned.index[place]
    if label not in raw.index:
        return ""
    for name in names:
        before, after = raw[name].loc[label], cleaned[name].iloc[place]
        if not (before == after or (pd.isna(before) and pd.isna(after))):
            return f"{name!r} was {_format_value(before)} and is {_format_value(after)}"
    return ""


def _format_value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return repr(value.item() if hasattr(value, "item") else value)
