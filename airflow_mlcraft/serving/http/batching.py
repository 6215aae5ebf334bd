"""Requests that wait at the same time are answered by one call of the model; more than can wait are refused."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from airflow_mlcraft.serving.http.errors import Refusal
from airflow_mlcraft.serving.model.fast_transformers import Array
from airflow_mlcraft.serving.model.predictor import Predictor
from airflow_mlcraft.serving.model.tables import Table, join

# What takes less than this is computed between two events: to hand it to a thread would cost more.
_AT_ONCE = 0.003
_ROWS = 4096
_TICK = 0.05


@dataclass(slots=True)
class Said:
    """What the model says to the rows of one request."""

    predictions: Array
    probabilities: Array | None = None


@dataclass(slots=True)
class _Item:
    table: Table
    probabilities: bool
    answer: asyncio.Future[Said]
    deadline: float


class Batcher:
    """The queue before one model, in one event loop. No batch is waited for: it is what came while the last ran."""

    def __init__(self, predictor: Predictor, *, max_waiting: int, timeout: float):
        self._predictor = predictor
        self._max_waiting = max_waiting
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_Item] = deque()
        self._open: deque[_Item] = deque()
        self._busy = False
        self._ticking = False
        self._closing = False
        self._thread: ThreadPoolExecutor | None = None

    def ask(self, table: Table, probabilities: bool) -> asyncio.Future[Said]:
        """The future answer; a Refusal when too many wait already."""
        if len(self._waiting) >= self._max_waiting:
            raise Refusal(503, "more requests wait than this server can answer in time", headers={"retry-after": "1"})
        item = _Item(table, probabilities, self._loop.create_future(), self._loop.time() + self._timeout)
        self._waiting.append(item)
        self._open.append(item)
        if not self._busy:
            self._busy = True
            self._loop.call_soon(self._next)
        if not self._ticking:
            self._ticking = True
            self._loop.call_later(_TICK, self._tick)
        return item.answer

    def close(self) -> None:
        """The model serves no more. Whoever has asked it, or is about to, still gets an answer."""
        self._closing = True
        if not self._busy:
            self._end_thread()

    def _next(self) -> None:
        batch, rows = self._take()
        if not batch:
            self._busy = False
            if self._closing:
                self._end_thread()
            return
        if self._predictor.seconds(rows) < _AT_ONCE:
            _hand_out(batch, self._answers(batch))
            self._loop.call_soon(self._next)
            return
        self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="model")
        running = self._loop.run_in_executor(self._thread, self._answers, batch)
        running.add_done_callback(lambda done: self._ran(batch, done))

    def _end_thread(self) -> None:
        if self._thread is not None:
            self._thread.shutdown(wait=False)
            self._thread = None

    def _ran(self, batch: list[_Item], done: asyncio.Future[list[Said | Exception]]) -> None:
        if not done.cancelled():
            _hand_out(batch, done.result())
        self._next()

    def _take(self) -> tuple[list[_Item], int]:
        """What waits, in order, as long as it asks for the same and is not too much."""
        batch: list[_Item] = []
        rows = 0
        while self._waiting:
            item = self._waiting[0]
            if item.answer.done():
                self._waiting.popleft()
                continue
            if batch and (item.probabilities != batch[0].probabilities or rows + len(item.table) > _ROWS):
                break
            batch.append(self._waiting.popleft())
            rows += len(item.table)
        return batch, rows

    def _answers(self, batch: list[_Item]) -> list[Said | Exception]:
        try:
            return list(self._together(batch))
        except Exception as error:
            if len(batch) == 1:
                return [error]
        # One of them is at fault: the others shall not suffer for it.
        return [answer for item in batch for answer in self._answers([item])]

    def _together(self, batch: list[_Item]) -> list[Said]:
        table = join([item.table for item in batch])
        predictions = self._predictor.predict(table)
        probabilities = self._predictor.probabilities(table) if batch[0].probabilities else None
        if len(batch) == 1:
            return [Said(predictions, probabilities)]
        said, start = [], 0
        for item in batch:
            stop = start + len(item.table)
            said.append(
                Said(predictions[start:stop], None if probabilities is None else probabilities[start:stop]),
            )
            start = stop
        return said

    def _tick(self) -> None:
        """End what has waited too long: all wait equally long, so the oldest comes first."""
        now = self._loop.time()
        while self._open and (self._open[0].answer.done() or self._open[0].deadline <= now):
            item = self._open.popleft()
            if not item.answer.done():
                item.answer.set_exception(Refusal(504, f"the model did not answer within {self._timeout:g} s"))
        self._ticking = bool(self._open)
        if self._ticking:
            self._loop.call_later(_TICK, self._tick)


def _hand_out(batch: list[_Item], answers: list[Any]) -> None:
    for item, answer in zip(batch, answers, strict=True):
        if item.answer.done():
            continue
        if isinstance(answer, Exception):
            item.answer.set_exception(answer)
        else:
            item.answer.set_result(answer)
