"""What a worker serves: the model of now, the one before until the new one is confirmed, one that is being tried."""

from __future__ import annotations

import asyncio
import ctypes
import gc
from pathlib import Path
from typing import Any

from airflow_mlcraft.serving.metrics import Metrics
from airflow_mlcraft.serving.options import Options
from airflow_mlcraft.serving.refusals import ServingError
from airflow_mlcraft.serving.served import Served, load


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
