"""The batcher of a model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_mlcraft.serving.http.batching import Batcher
from airflow_mlcraft.serving.model.state import load_predictor
from tests.serving import models


@pytest.mark.parametrize("name", ["linear", "slow"])
def test_a_closed_batcher_answers_all_requests(
    name: str, model_of: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with a model that runs in a thread, and for requests that arrive while it runs."""
    monkeypatch.setenv("MLCRAFT_TRUSTED_TYPES", models.TRUST["MLCRAFT_TRUSTED_TYPES"])
    predictor = load_predictor(model_of(name))
    row = predictor.example.rows(0, 1)

    async def predict_and_close() -> int:
        batcher = Batcher(predictor, max_waiting=10, timeout=60)
        running = batcher.submit(row, False)
        await asyncio.sleep(0.01)
        waiting = [batcher.submit(row, False) for _ in range(3)]
        batcher.close()
        results = await asyncio.gather(running, *waiting)
        late = await batcher.submit(row, False)
        return len({answer.predictions[0] for answer in (*results, late)})

    assert asyncio.run(predict_and_close()) == 1
