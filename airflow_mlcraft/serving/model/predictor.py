"""A fitted model that answers tables: without data frames where that is proved to give the same."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from airflow_mlcraft.serving.http.errors import ServingError
from airflow_mlcraft.serving.model.fast_estimators import PlainEstimator, candidates
from airflow_mlcraft.serving.model.fast_transformers import Array, NotPlain, entry, gathering, transformer
from airflow_mlcraft.serving.model.folder import ModelFolder
from airflow_mlcraft.serving.model.row_process import is_processed, processing
from airflow_mlcraft.serving.model.signature import TEXT, Signature
from airflow_mlcraft.serving.model.tables import Table, example_frame, frame_of, join, table_of
from airflow_mlcraft.serving.model.typed_columns import columns, is_columns

log = logging.getLogger(__name__)
Answer = Callable[[Table], Array]
_MIXED_ROWS = 40
_UNKNOWN = "a text that was not there in training"
_MANY = 64


class Predictor:
    """Answers tables of one model. `signature` says which columns may be null, as tried with the model."""

    def __init__(self, folder: ModelFolder):
        estimator = folder.load_estimator()
        self.folder = folder
        self.classes: list[Any] | None = _classes(estimator)
        frames = _Frames(estimator, folder.signature)
        example = example_frame(folder)
        self.signature = _with_nullable(folder.signature, example, frames)
        frames.signature = self.signature
        self.example = table_of(example, self.signature)
        self._try(frames)
        plain = _plain(estimator, self.signature, self.example, frames, _categories(folder))
        self.way = "arrays" if plain else "data frames"
        self._predict: Answer = plain[0] if plain else frames.predict
        self._proba: Answer | None = plain[1] if plain else frames.proba_or_none
        self.first, self.each = self._cost()

    def predict(self, table: Table) -> Array:
        """One prediction a row."""
        return self._predict(table)

    @property
    def has_probabilities(self) -> bool:
        return self._proba is not None

    def probabilities(self, table: Table) -> Array:
        """One probability a class, for each row."""
        if self._proba is None:
            raise ServingError("the model gives no probabilities")
        return self._proba(table)

    def seconds(self, rows: int) -> float:
        """About how long that many rows take."""
        return self.first + self.each * rows

    def _try(self, frames: _Frames) -> None:
        try:
            frames.predict(self.example)
        except Exception as error:
            raise ServingError(f"{self.folder.path} does not answer its own input example: {error}") from error

    def _cost(self) -> tuple[float, float]:
        one, many = self.example.rows(0, 1), join([self.example.rows(0, 1)] * _MANY)
        short, long = _shortest(self._predict, one), _shortest(self._predict, many)
        each = max(long - short, 0.0) / (_MANY - 1)
        return max(short - each, 0.0), each


class _Frames:
    """The model as scikit-learn calls it, with a data frame: right by definition, and slow for one row."""

    def __init__(self, estimator: Any, signature: Signature):
        self._estimator = estimator
        self.signature = signature
        self.proba_or_none: Answer | None = self.proba if hasattr(estimator, "predict_proba") else None

    def predict(self, table: Table) -> Array:
        return np.asarray(self._estimator.predict(frame_of(table, self.signature)))

    def proba(self, table: Table) -> Array:
        return np.asarray(self._estimator.predict_proba(frame_of(table, self.signature)))


def _plain(
    estimator: Any, signature: Signature, example: Table, frames: _Frames, categories: Mapping[str, list[Any]]
) -> tuple[Answer, Answer | None] | None:
    """The quickest way that gives the same as data frames do, if there is any."""
    probes = _probes(example, signature, categories)
    wanted = [(_outcome(frames.predict, probe), _outcome(frames.proba_or_none, probe)) for probe in probes]
    before: Callable[[Table], Table] = lambda table: table  # noqa: E731
    if is_processed(estimator):
        before, signature = processing(estimator, signature)
        estimator = estimator.model
    steps = [step for _, step in estimator.steps] if type(estimator).__name__ == "Pipeline" else [estimator]
    try:
        prepare = _preparation(steps[:-1], signature)
    except (NotPlain, AttributeError, KeyError, TypeError, ValueError):
        return None
    for make in candidates(steps[-1]):
        try:
            predict, proba = _joined(before, prepare, make())
        except (NotPlain, AttributeError, TypeError, ValueError):
            continue
        found = [(_outcome(predict, probe), _outcome(proba, probe)) for probe in probes]
        if all(
            _same(ours, theirs)
            for pair, other in zip(found, wanted, strict=True)
            for ours, theirs in zip(pair, other, strict=True)
        ):
            return predict, proba
    return None


def _joined(before: Callable[[Table], Table], prepare: Answer, last: PlainEstimator) -> tuple[Answer, Answer | None]:
    proba = last.proba
    return (
        lambda table: last.predict(prepare(before(table))),
        None if proba is None else lambda table: proba(prepare(before(table))),
    )


def _preparation(steps: list[Any], signature: Signature) -> Answer:
    steps = [step for step in steps if step is not None and step != "passthrough"]
    if not steps:
        return gathering(signature.names, signature.place)
    if is_columns(steps[0]):
        typed, names, place = columns(steps[0], signature.place)
        if len(steps) == 1:
            after = gathering(names, place)
        else:
            after, steps = entry(steps[1], names, place), steps[1:]
        first: Answer = lambda table: after(typed(table))  # noqa: E731
    else:
        first = entry(steps[0], signature.names, signature.place)
    rest = [transformer(step) for step in steps[1:]]
    if not rest:
        return first

    def run(table: Table) -> Array:
        array = first(table)
        for step in rest:
            array = step(array)
        return array

    return run


def _probes(example: Table, signature: Signature, categories: Mapping[str, list[Any]]) -> list[Table]:
    """What both ways are compared with: the example, each row alone, rows mixed from it, nulls, texts known or not."""
    chance = np.random.default_rng(0)
    many = join([example] * (_MIXED_ROWS // len(example) + 1))
    spread = np.where(np.isnan(many.numbers), np.nan, many.numbers * chance.normal(1, 0.5, many.numbers.shape))
    whole = [index for index, column in enumerate(signature.numeric) if column.kind != "number"]
    spread[:, whole] = many.numbers[:, whole]
    mixed = Table(chance.permuted(spread, axis=0), chance.permuted(many.texts, axis=0))
    probes = [example, *(example.rows(row, row + 1) for row in range(len(example))), mixed]
    for column in signature.columns:
        numeric, index = signature.place[column.name]
        changed = Table(example.numbers.copy(), example.texts.copy())
        if column.nullable:
            (changed.numbers if numeric else changed.texts)[0, index] = np.nan if numeric else None
            probes.append(changed)
        if column.kind == TEXT:
            values = [_UNKNOWN, *categories.get(column.name, ())]
            known = join([example.rows(0, 1)] * len(values))
            texts = known.texts.copy()
            texts[:, index] = values
            probes += [Table(known.numbers, texts), Table(known.numbers[:1], texts[:1])]
    return probes


def _categories(folder: ModelFolder) -> dict[str, list[Any]]:
    """Texts that training has seen, where the model's description lists them."""
    listed = folder.described.get("features")
    features = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    return {str(one.get("name")): list(one["categories"]) for one in features if one.get("categories")}


def _outcome(answer: Answer | None, table: Table) -> Any:
    if answer is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return answer(table)
        except Exception:  # whatever it is, the other way has to fail as well
            return "failed"


def _same(ours: Any, theirs: Any) -> bool:
    if not isinstance(ours, np.ndarray) or not isinstance(theirs, np.ndarray):
        return type(ours) is type(theirs) and ours == theirs
    if ours.shape != theirs.shape:
        return False
    if ours.dtype.kind == theirs.dtype.kind == "f":
        # The last bits depend on how many rows are multiplied at once, whoever does it.
        return np.allclose(ours, theirs, rtol=1e-10, atol=1e-12, equal_nan=True)
    return np.array_equal(ours, theirs)


def _with_nullable(signature: Signature, example: Any, frames: _Frames) -> Signature:
    """Ask the model itself, column by column, whether it takes a missing value."""
    columns = []
    for column in signature.columns:
        table = table_of(example.head(1), signature)
        numeric, index = signature.place[column.name]
        (table.numbers if numeric else table.texts)[0, index] = np.nan if numeric else None
        columns.append(replace(column, nullable=isinstance(_outcome(frames.predict, table), np.ndarray)))
    return replace(signature, columns=tuple(columns))


def _classes(estimator: Any) -> list[Any] | None:
    found = getattr(estimator, "classes_", None)
    return None if found is None else list(np.asarray(found).tolist())


def _shortest(answer: Answer, table: Table) -> float:
    taken = []
    for _ in range(5):
        begun = time.perf_counter()
        answer(table)
        taken.append(time.perf_counter() - begun)
    return min(taken)


def describe(predictor: Predictor) -> Mapping[str, Any]:
    """What the log says about a model that was loaded."""
    return {"content": predictor.folder.content, "way": predictor.way, "seconds_a_row": round(predictor.seconds(1), 6)}
