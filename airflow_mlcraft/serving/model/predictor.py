"""Predictions of a fitted model for tables: with fast array functions if they prove equal, or else with data frames."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from airflow_mlcraft.serving.http.errors import ServingError
from airflow_mlcraft.serving.model.fast_estimators import FastEstimator, list_fast_estimators
from airflow_mlcraft.serving.model.fast_transformers import (
    Array,
    NoFastFormError,
    TableFunction,
    build_column_selector,
    build_first_step,
    build_transformer,
)
from airflow_mlcraft.serving.model.folder import ModelFolder
from airflow_mlcraft.serving.model.row_process import build_user_process, has_user_process
from airflow_mlcraft.serving.model.signature import NUMBER, TEXT, Signature
from airflow_mlcraft.serving.model.tables import (
    Table,
    concat_tables,
    load_example_frame,
    table_from_frame,
    table_to_frame,
)
from airflow_mlcraft.serving.model.typed_columns import build_typed_columns, is_typed_columns

_MIXED_PROBE_ROWS = 40
_UNKNOWN_TEXT = "a text that was not there in training"
_TIMING_ROWS = 64


class Predictor:
    """Predicts tables with one model. Its `signature` knows which columns are nullable, as tested with the model."""

    def __init__(self, folder: ModelFolder):
        estimator = folder.load_estimator()
        self.folder = folder
        self.classes: list[Any] | None = _get_classes(estimator)
        frame_model = _FrameModel(estimator, folder.signature)
        example = load_example_frame(folder)
        self.signature = _detect_nullable(folder.signature, example, frame_model)
        frame_model.signature = self.signature
        self.example = table_from_frame(example, self.signature)
        self._check_example(frame_model)
        fast = _find_fast_functions(estimator, self.signature, self.example, frame_model, _get_known_categories(folder))
        self.implementation = "arrays" if fast else "data frames"
        self._predict: TableFunction = fast[0] if fast else frame_model.predict
        self._proba: TableFunction | None = fast[1] if fast else frame_model.proba_or_none
        self.seconds_per_call, self.seconds_per_row = self._measure_cost()

    def predict(self, table: Table) -> Array:
        """One prediction per row."""
        return self._predict(table)

    @property
    def has_probabilities(self) -> bool:
        return self._proba is not None

    def probabilities(self, table: Table) -> Array:
        """For each row, one probability per class."""
        if self._proba is None:
            raise ServingError("the model gives no probabilities")
        return self._proba(table)

    def estimate_seconds(self, rows: int) -> float:
        """The estimated time to predict this many rows."""
        return self.seconds_per_call + self.seconds_per_row * rows

    def _check_example(self, frame_model: _FrameModel) -> None:
        try:
            frame_model.predict(self.example)
        except Exception as error:
            raise ServingError(f"{self.folder.path} does not answer its own input example: {error}") from error

    def _measure_cost(self) -> tuple[float, float]:
        one, repeated = self.example.rows(0, 1), concat_tables([self.example.rows(0, 1)] * _TIMING_ROWS)
        one_seconds, many_seconds = _measure_fastest(self._predict, one), _measure_fastest(self._predict, repeated)
        seconds_per_row = max(many_seconds - one_seconds, 0.0) / (_TIMING_ROWS - 1)
        return max(one_seconds - seconds_per_row, 0.0), seconds_per_row


class _FrameModel:
    """The model called with a data frame: the reference for fast functions, and slow for one row."""

    def __init__(self, estimator: Any, signature: Signature):
        self._estimator = estimator
        self.signature = signature
        self.proba_or_none: TableFunction | None = self.proba if hasattr(estimator, "predict_proba") else None

    def predict(self, table: Table) -> Array:
        return np.asarray(self._estimator.predict(table_to_frame(table, self.signature)))

    def proba(self, table: Table) -> Array:
        return np.asarray(self._estimator.predict_proba(table_to_frame(table, self.signature)))


def _find_fast_functions(
    estimator: Any, signature: Signature, example: Table, frame_model: _FrameModel, categories: Mapping[str, list[Any]]
) -> tuple[TableFunction, TableFunction | None] | None:
    """The fastest functions for predictions and probabilities that equal data frames on all probes, if any."""
    probes = _build_probes(example, signature, categories)
    expected = [
        (_predict_or_none(frame_model.predict, probe), _predict_or_none(frame_model.proba_or_none, probe))
        for probe in probes
    ]
    run_user_process: Callable[[Table], Table] = lambda table: table  # noqa: E731
    if has_user_process(estimator):
        run_user_process, signature = build_user_process(estimator, signature)
        estimator = estimator.model
    steps = [step for _, step in estimator.steps] if type(estimator).__name__ == "Pipeline" else [estimator]
    try:
        prepare = _build_preparation(steps[:-1], signature)
    except (NoFastFormError, AttributeError, KeyError, TypeError, ValueError):
        return None
    for build in list_fast_estimators(steps[-1]):
        try:
            predict, proba = _compose(run_user_process, prepare, build())
        except (NoFastFormError, AttributeError, TypeError, ValueError):
            continue
        predictions = [(_predict_or_none(predict, probe), _predict_or_none(proba, probe)) for probe in probes]
        if all(
            _are_equal(fast_predictions, expected_predictions)
            for found_pair, expected_pair in zip(predictions, expected, strict=True)
            for fast_predictions, expected_predictions in zip(found_pair, expected_pair, strict=True)
        ):
            return predict, proba
    return None


def _compose(
    run_user_process: Callable[[Table], Table], prepare: TableFunction, estimator: FastEstimator
) -> tuple[TableFunction, TableFunction | None]:
    proba = estimator.proba
    return (
        lambda table: estimator.predict(prepare(run_user_process(table))),
        None if proba is None else lambda table: proba(prepare(run_user_process(table))),
    )


def _build_preparation(steps: list[Any], signature: Signature) -> TableFunction:
    steps = [step for step in steps if step is not None and step != "passthrough"]
    if not steps:
        return build_column_selector(signature.names, signature.positions)
    if is_typed_columns(steps[0]):
        typed, names, positions = build_typed_columns(steps[0], signature.positions)
        if len(steps) == 1:
            after = build_column_selector(names, positions)
        else:
            after, steps = build_first_step(steps[1], names, positions), steps[1:]
        first: TableFunction = lambda table: after(typed(table))  # noqa: E731
    else:
        first = build_first_step(steps[0], signature.names, signature.positions)
    rest = [build_transformer(step) for step in steps[1:]]
    if not rest:
        return first

    def run(table: Table) -> Array:
        array = first(table)
        for step in rest:
            array = step(array)
        return array

    return run


def _build_probes(example: Table, signature: Signature, categories: Mapping[str, list[Any]]) -> list[Table]:
    """Tables for comparisons: the example, its single rows, rows mixed from it, nulls, known and unknown texts."""
    random = np.random.default_rng(0)
    repeated = concat_tables([example] * (_MIXED_PROBE_ROWS // len(example) + 1))
    noisy = np.where(
        np.isnan(repeated.numbers), np.nan, repeated.numbers * random.normal(1, 0.5, repeated.numbers.shape)
    )
    integer_columns = [index for index, column in enumerate(signature.numeric) if column.kind != NUMBER]
    noisy[:, integer_columns] = repeated.numbers[:, integer_columns]
    mixed = Table(random.permuted(noisy, axis=0), random.permuted(repeated.texts, axis=0))
    probes = [example, *(example.rows(row, row + 1) for row in range(len(example))), mixed]
    for column in signature.columns:
        numeric, index = signature.positions[column.name]
        changed = Table(example.numbers.copy(), example.texts.copy())
        if column.nullable:
            (changed.numbers if numeric else changed.texts)[0, index] = np.nan if numeric else None
            probes.append(changed)
        if column.kind == TEXT:
            values = [_UNKNOWN_TEXT, *categories.get(column.name, ())]
            repeated_row = concat_tables([example.rows(0, 1)] * len(values))
            texts = repeated_row.texts.copy()
            texts[:, index] = values
            probes += [Table(repeated_row.numbers, texts), Table(repeated_row.numbers[:1], texts[:1])]
    return probes


def _get_known_categories(folder: ModelFolder) -> dict[str, list[Any]]:
    """The categories of text columns seen in training, where model.json lists them."""
    listed = folder.description.get("features")
    features = [feature for feature in listed if isinstance(feature, dict)] if isinstance(listed, list) else []
    return {str(feature.get("name")): list(feature["categories"]) for feature in features if feature.get("categories")}


def _predict_or_none(function: TableFunction | None, table: Table) -> Any:
    if function is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function(table)
        except Exception:  # errors of any kind: the fast function has to fail where data frames do
            return "failed"


def _are_equal(actual: Any, expected: Any) -> bool:
    if not isinstance(actual, np.ndarray) or not isinstance(expected, np.ndarray):
        return type(actual) is type(expected) and actual == expected
    if actual.shape != expected.shape:
        return False
    if actual.dtype.kind == expected.dtype.kind == "f":
        # The last bits of a matrix product depend on the number of rows, in scikit-learn too.
        return np.allclose(actual, expected, rtol=1e-10, atol=1e-12, equal_nan=True)
    return np.array_equal(actual, expected)


def _detect_nullable(signature: Signature, example: Any, frame_model: _FrameModel) -> Signature:
    """Test with the model, column by column, whether it takes a missing value."""
    columns = []
    for column in signature.columns:
        table = table_from_frame(example.head(1), signature)
        numeric, index = signature.positions[column.name]
        (table.numbers if numeric else table.texts)[0, index] = np.nan if numeric else None
        columns.append(replace(column, nullable=isinstance(_predict_or_none(frame_model.predict, table), np.ndarray)))
    return replace(signature, columns=tuple(columns))


def _get_classes(estimator: Any) -> list[Any] | None:
    classes = getattr(estimator, "classes_", None)
    return None if classes is None else list(np.asarray(classes).tolist())


def _measure_fastest(function: TableFunction, table: Table) -> float:
    durations = []
    for _ in range(5):
        started = time.perf_counter()
        function(table)
        durations.append(time.perf_counter() - started)
    return min(durations)
