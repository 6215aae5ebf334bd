"""A model in a worker: what is swapped as a whole, so that a request is read and answered by one and the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.serving.batching import Batcher, Said
from airflow_mlcraft.serving.model_folder import open_model
from airflow_mlcraft.serving.options import Options
from airflow_mlcraft.serving.predictor import Predictor
from airflow_mlcraft.serving.reader import Reader
from airflow_mlcraft.serving.records import records_of
from airflow_mlcraft.serving.refusals import Refusal
from airflow_mlcraft.serving.table import Table

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
