"""Adaptive batching: requests that wait at the same time share one call of the model; a full queue refuses more."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from airflow_mlcraft.serving.http.errors import RequestError
from airflow_mlcraft.serving.model.fast_transformers import Array
from airflow_mlcraft.serving.model.predictor import Predictor
from airflow_mlcraft.serving.model.tables import Table, concat_tables

# A shorter prediction runs in the event loop itself: handing it to a thread would cost more.
_INLINE_SECONDS = 0.003
_MAX_BATCH_ROWS = 4096
_EXPIRY_INTERVAL = 0.05


@dataclass(slots=True)
class InferenceResult:
    """The predictions for the rows of one request, in their order."""

    predictions: Array
    probabilities: Array | None = None


@dataclass(slots=True)
class _QueuedRequest:
    table: Table
    probabilities: bool
    future: asyncio.Future[InferenceResult]
    deadline: float


class Batcher:
    """The request queue of one model in one event loop.

    There is no waiting time to fill a batch: a batch holds the requests that arrived while the last one ran.
    """

    def __init__(self, predictor: Predictor, *, max_waiting: int, timeout: float):
        self._predictor = predictor
        self._max_waiting = max_waiting
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._queue: deque[_QueuedRequest] = deque()
        self._unanswered: deque[_QueuedRequest] = deque()
        self._running = False
        self._expiry_scheduled = False
        self._closing = False
        self._thread: ThreadPoolExecutor | None = None

    def submit(self, table: Table, probabilities: bool) -> asyncio.Future[InferenceResult]:
        """Queue a request and return the future of its result; raises RequestError (503) when the queue is full."""
        if len(self._queue) >= self._max_waiting:
            raise RequestError(
                503, "more requests wait than this server can answer in time", headers={"retry-after": "1"}
            )
        queued = _QueuedRequest(table, probabilities, self._loop.create_future(), self._loop.time() + self._timeout)
        self._queue.append(queued)
        self._unanswered.append(queued)
        if not self._running:
            self._running = True
            self._loop.call_soon(self._run_next_batch)
        if not self._expiry_scheduled:
            self._expiry_scheduled = True
            self._loop.call_later(_EXPIRY_INTERVAL, self._expire_requests)
        return queued.future

    def close(self) -> None:
        """Stop the thread once the queue is empty. All queued requests still get their results."""
        self._closing = True
        if not self._running:
            self._stop_thread()

    def _run_next_batch(self) -> None:
        batch, rows = self._take_batch()
        if not batch:
            self._running = False
            if self._closing:
                self._stop_thread()
            return
        if self._predictor.estimate_seconds(rows) < _INLINE_SECONDS:
            _set_results(batch, self._predict_batch(batch))
            self._loop.call_soon(self._run_next_batch)
            return
        self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="model")
        running = self._loop.run_in_executor(self._thread, self._predict_batch, batch)
        running.add_done_callback(lambda done: self._finish_batch(batch, done))

    def _stop_thread(self) -> None:
        if self._thread is not None:
            self._thread.shutdown(wait=False)
            self._thread = None

    def _finish_batch(
        self, batch: list[_QueuedRequest], done: asyncio.Future[list[InferenceResult | Exception]]
    ) -> None:
        if not done.cancelled():
            _set_results(batch, done.result())
        self._run_next_batch()

    def _take_batch(self) -> tuple[list[_QueuedRequest], int]:
        """The oldest requests that want the same outputs, up to _MAX_BATCH_ROWS rows, and their number of rows."""
        batch: list[_QueuedRequest] = []
        rows = 0
        while self._queue:
            queued = self._queue[0]
            if queued.future.done():
                self._queue.popleft()
                continue
            if batch and (queued.probabilities != batch[0].probabilities or rows + len(queued.table) > _MAX_BATCH_ROWS):
                break
            batch.append(self._queue.popleft())
            rows += len(queued.table)
        return batch, rows

    def _predict_batch(self, batch: list[_QueuedRequest]) -> list[InferenceResult | Exception]:
        try:
            return list(self._predict_concatenated(batch))
        except Exception as error:
            if len(batch) == 1:
                return [error]
        # One request made the batch fail; the others may succeed one by one.
        return [result for queued in batch for result in self._predict_batch([queued])]

    def _predict_concatenated(self, batch: list[_QueuedRequest]) -> list[InferenceResult]:
        table = concat_tables([queued.table for queued in batch])
        predictions = self._predictor.predict(table)
        probabilities = self._predictor.probabilities(table) if batch[0].probabilities else None
        if len(batch) == 1:
            return [InferenceResult(predictions, probabilities)]
        results, start = [], 0
        for queued in batch:
            stop = start + len(queued.table)
            results.append(
                InferenceResult(predictions[start:stop], None if probabilities is None else probabilities[start:stop]),
            )
            start = stop
        return results

    def _expire_requests(self) -> None:
        """Fail requests past their deadline. All have the same time limit, so the oldest is the first to expire."""
        now = self._loop.time()
        while self._unanswered and (self._unanswered[0].future.done() or self._unanswered[0].deadline <= now):
            queued = self._unanswered.popleft()
            if not queued.future.done():
                queued.future.set_exception(RequestError(504, f"the model did not answer within {self._timeout:g} s"))
        self._expiry_scheduled = bool(self._unanswered)
        if self._expiry_scheduled:
            self._loop.call_later(_EXPIRY_INTERVAL, self._expire_requests)


def _set_results(batch: list[_QueuedRequest], results: list[Any]) -> None:
    for queued, result in zip(batch, results, strict=True):
        if queued.future.done():
            continue
        if isinstance(result, Exception):
            queued.future.set_exception(result)
        else:
            queued.future.set_result(result)
