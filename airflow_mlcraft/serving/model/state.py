"""The models of a worker: the served one, the previous one until a swap is confirmed, and a candidate."""

from __future__ import annotations

import asyncio
import ctypes
import gc
from pathlib import Path
from typing import Any

from airflow_mlcraft.errors import StepError, first_line
from airflow_mlcraft.serving.http.batching import Batcher, InferenceResult
from airflow_mlcraft.serving.http.errors import RequestError, ServingError
from airflow_mlcraft.serving.http.metrics import Metrics
from airflow_mlcraft.serving.http.request_reader import RequestReader
from airflow_mlcraft.serving.model.folder import read_model_folder
from airflow_mlcraft.serving.model.predictor import Predictor
from airflow_mlcraft.serving.model.tables import Table, table_to_records
from airflow_mlcraft.serving.options import Options

_VERSION_LENGTH = 12
_DESCRIPTION_KEYS = frozenset(
    ["name", "class", "params", "task", "target", "positive", "features", "metric", "cv", "train", "rows", "recipe"]
)
"""Keys of model.json that `/model` shows."""


class ServedModel:
    """A model with its request reader and batcher, made in the event loop that it serves.

    They are swapped together, so that a request is validated and answered by the same model.
    """

    def __init__(self, predictor: Predictor, options: Options):
        self.name = options.name
        self.predictor = predictor
        self.content = predictor.folder.content
        self.version = self.content[:_VERSION_LENGTH]
        self.signature = predictor.signature
        self.reader = RequestReader(self.signature, options.max_rows)
        self._batcher = Batcher(predictor, max_waiting=options.max_waiting, timeout=options.timeout)

    async def predict(self, table: Table, *, probabilities: bool) -> InferenceResult:
        """Predict through the batcher.

        A failure of the model is an error of the request (422), since the model has predicted its own example.
        """
        if probabilities and not self.predictor.has_probabilities:
            raise RequestError(422, f"the model {self.name!r} gives no probabilities")
        try:
            return await self._batcher.submit(table, probabilities)
        except (ValueError, ArithmeticError, StepError) as error:
            raise RequestError(422, f"the model cannot answer these rows: {first_line(error)}") from error

    def close(self) -> None:
        self._batcher.close()


class ServingState:
    """The served model and its swaps. A swap changes one reference; a running request keeps the model it began with."""

    def __init__(self, options: Options, metrics: Metrics):
        self.options = options
        self.draining = False
        self.current: ServedModel | None = None
        self._metrics = metrics
        self._previous: ServedModel | None = None
        self._candidate: ServedModel | None = None

    @property
    def ready(self) -> bool:
        return self.current is not None and not self.draining

    async def prepare(self, folder: Path) -> ServedModel:
        """Load a candidate beside the served model."""
        predictor = await asyncio.get_running_loop().run_in_executor(None, load_predictor, folder)
        self._close(self._candidate)
        self._candidate = ServedModel(predictor, self.options)
        return self._candidate

    def candidate(self, content: str) -> ServedModel:
        """The prepared model with this content hash; a ServingError when there is none."""
        if self._candidate is None or self._candidate.content != content:
            raise ServingError(f"no model with the content {content} was prepared")
        return self._candidate

    def commit(self, content: str) -> None:
        """Serve the candidate from the next request on, and keep the previous model for `revert`."""
        candidate = self.candidate(content)
        self._close(self._previous)
        self._previous, self.current, self._candidate = self.current, candidate, None
        self._metrics.set_served_model(candidate.name, candidate.version)

    def revert(self) -> None:
        """Serve the previous model again."""
        if self._previous is None:
            raise ServingError("there is no model to go back to")
        failed, self.current, self._previous = self.current, self._previous, None
        self._metrics.set_served_model(self.current.name, self.current.version)
        self._close(failed)

    def confirm(self) -> None:
        """Release the previous model, and a candidate that was not committed."""
        previous, candidate = self._previous, self._candidate
        self._previous = self._candidate = None
        self._close(previous)
        self._close(candidate)

    def _close(self, served: ServedModel | None) -> None:
        if served is None:
            return
        served.close()
        self._metrics.forget_model(served.version)
        asyncio.get_running_loop().call_later(1, _release_memory)


def load_predictor(path: Path) -> Predictor:
    """Load the model of a folder and test it with its input example. Takes seconds, so not in the event loop."""
    return Predictor(read_model_folder(path))


def describe_model(served: ServedModel) -> dict[str, Any]:
    """The model's metadata as JSON, for `/model`."""
    description = served.predictor.folder.description
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
        "way": served.predictor.implementation,
        "description": {name: value for name, value in description.items() if name in _DESCRIPTION_KEYS},
    }


def example_records(served: ServedModel) -> list[dict[str, Any]]:
    """The rows of the model's input example, as a client would send them."""
    return table_to_records(served.predictor.example, served.signature)


def freeze_memory() -> None:
    """Exclude all objects now in memory from garbage collection, which a large request starts over all libraries."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _release_memory() -> None:
    """Return a released model's memory to the system: it is many small arrays, whose pages the C library keeps."""
    freeze_memory()
    trim: Any = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
