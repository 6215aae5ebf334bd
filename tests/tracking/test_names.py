"""Tests of names that MLflow refuses, which would fail a whole batch."""

from __future__ import annotations

import pytest

from airflow_mlcraft.tracking.client import TrackingClient
from airflow_mlcraft.tracking.names import DagRunName, StepName, sanitize_name
from tests.tracking.test_client import all_runs, by_task

NAMES = {
    "champion (logistic_regression).acc": "champion logistic_regression.acc",
    "f1@10": "f1_10",
    "größe": "größe",
    "/a//b/../../c": "c",
    "..": "_",
    "loss\n[nats]": "loss_nats",
    "a/b: c-d_e.f": "a/b: c-d_e.f",
}


@pytest.mark.parametrize(("given", "taken"), NAMES.items())
def test_a_name_is_made_acceptable(given: str, taken: str) -> None:
    assert sanitize_name(given) == taken


def test_a_long_name_stays_one_of_its_own() -> None:
    first, second = sanitize_name("x" * 300), sanitize_name("x" * 301)
    assert len(first) == len(second) == 250
    assert first != second


def test_a_store_takes_them_all(tracking: TrackingClient, run_name: DagRunName) -> None:
    with tracking.step(StepName(run_name, "evaluate")) as run:
        run.metrics({name: number for number, name in enumerate(NAMES)})
        run.metrics({"none": None, "text": "good"})  # type: ignore[dict-item]
        run.params({f"p {name}": "x" for name in NAMES})
        run.tags({f"t {name}": "x" for name in NAMES} | {"x" * 400: "long"})
    assert tracking.flush() == 0
    found = by_task(all_runs(tracking, run_name))["evaluate", -1]
    assert found.metrics.keys() == set(NAMES.values())
    assert len(found.params) == len(NAMES)
    assert not (tracking.spool.root / "refused").exists()
