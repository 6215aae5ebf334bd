"""A model in a worker: what is swapped as a whole, so that a request is read and answered by one and the same."""

from __future__ import annotations

import asyncio
import ctypes
import gc
from pathlib import Path
from typing import Any

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.serving.http.batching import Batcher, Said
from airflow_mlcraft.serving.http.errors import Refusal, ServingError
from airflow_mlcraft.serving.http.metrics import Metrics
from airflow_mlcraft.serving.http.request_reader import Reader
from airflow_mlcraft.serving.model.folder import open_model
from airflow_mlcraft.serving.model.predictor import Predictor
from airflow_mlcraft.serving.model.tables import Table, records_of
from airflow_mlcraft.serving.options import Options

_SHORT = 12


class Served:
    """One model, its reader and its queue. Made in the event loop that it serves."""

    def __init__(self, predictor: Predictor, options: Options):
        self.name = options.name
        self.predictor = predictor
        self.content = predictor.folder.content
        self.version = self.content[:_SHORT]
        self.signature = predictor.signature
        self.reader = Reader(self.signature, options.max_rows)
        self._batcher = Batcher(predictor, max_waiting=options.max_waiting, timeout=options.timeout)

    async def answer(self, table: Table, *, probabilities: bool) -> Said:
        """What the model says. What it cannot compute is the request's fault, as the model has passed its test."""
        if probabilities and not self.predictor.has_probabilities:
            raise Refusal(422, f"the model {self.name!r} gives no probabilities")
        try:
            return await self._batcher.ask(table, probabilities)
        except (ValueError, ArithmeticError, StepError) as error:
            raise Refusal(422, f"the model cannot answer these rows: {_first_line(error)}") from error

    def close(self) -> None:
        self._batcher.close()


def load(path: Path) -> Predictor:
    """The model in a folder, tried with its own example. Takes seconds: not for the event loop."""
    return Predictor(open_model(path))


def describe(served: Served) -> dict[str, Any]:
    """What is served, in words that JSON knows."""
    known = served.predictor.folder.described
    return {
        "name": served.name,
        "content": served.content,
        "version": served.version,
        "columns": [
            {"name": column.name, "type": column.type, "required": column.required, "nullable": column.nullable}
            for column in served.signature.columns
        ],
        "outputs": list(served.signature.outputs),
        "classes": served.predictor.classes,
        "probabilities": served.predictor.has_probabilities,
        "example": example_records(served),
        "way": served.predictor.way,
        "description": {name: value for name, value in known.items() if name in _TOLD},
    }


def example_records(served: Served) -> list[dict[str, Any]]:
    """The model's input example, as a client would send it."""
    return records_of(served.predictor.example, served.signature)


_TOLD = ("name", "class", "params", "task", "target", "positive", "features", "metric", "cv", "train", "rows", "recipe")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


class ServingState:
    """One reference is what a swap changes; a request that has begun keeps the model that it began with."""

    def __init__(self, options: Options, metrics: Metrics):
        self.options = options
        self.draining = False
        self.current: Served | None = None
        self._metrics = metrics
        self._previous: Served | None = None
        self._candidate: Served | None = None

    @property
    def ready(self) -> bool:
        return self.current is not None and not self.draining

    async def prepare(self, folder: Path) -> Served:
        """Load a model beside the one that serves."""
        predictor = await asyncio.get_running_loop().run_in_executor(None, load, folder)
        self._drop(self._candidate)
        self._candidate = Served(predictor, self.options)
        return self._candidate

    def candidate(self, content: str) -> Served:
        """The model that was prepared."""
        if self._candidate is None or self._candidate.content != content:
            raise ServingError(f"no model with the content {content} was prepared")
        return self._candidate

    def commit(self, content: str) -> None:
        """Serve the candidate from the next request on."""
        found = self.candidate(content)
        self._drop(self._previous)
        self._previous, self.current, self._candidate = self.current, found, None
        self._metrics.serves(found.name, found.version)

    def revert(self) -> None:
        """Serve the model before again."""
        if self._previous is None:
            raise ServingError("there is no model to go back to")
        failed, self.current, self._previous = self.current, self._previous, None
        self._metrics.serves(self.current.name, self.current.version)
        self._drop(failed)

    def confirm(self) -> None:
        """The new model stays: let go of the old one, and of a candidate that was given up."""
        previous, candidate = self._previous, self._candidate
        self._previous = self._candidate = None
        self._drop(previous)
        self._drop(candidate)

    def _drop(self, served: Served | None) -> None:
        if served is None:
            return
        served.close()
        self._metrics.forget(served.version)
        asyncio.get_running_loop().call_later(1, _give_back)


def freeze_memory() -> None:
    """Leave what is in memory now out of garbage collections: a large request starts one, over all libraries."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _give_back() -> None:
    """A model is many small arrays, whose pages the C library would keep."""
    freeze_memory()
    trim: Any = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
