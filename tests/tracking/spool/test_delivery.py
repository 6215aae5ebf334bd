"""Tests that one run is kept for a key when several processes create it at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from airflow_mlcraft.tracking.api import Credentials
from airflow_mlcraft.tracking.open_store import open_api
from airflow_mlcraft.tracking.spool import delivery
from airflow_mlcraft.tracking.spool.delivery import find_or_create_run, find_runs
from tests.tracking.server import Server

AT_ONCE, KEYS = 5, 8


def test_all_agree_and_no_other_run_stays(server: Server) -> None:
    apis = [open_api(server.uri, Credentials()) for _ in range(AT_ONCE)]
    experiment = apis[0].get_or_create_experiment("agreement")
    begin = Barrier(AT_ONCE)

    def create_runs(number: int) -> list[str]:
        found = []
        for key in range(KEYS):
            begin.wait()
            run = find_or_create_run(apis[number], experiment, f"key{key}", name=f"by {number}", start=1, tags={})
            found.append(run.id)
        return found

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(create_runs, range(AT_ONCE)))
    assert [len(set(ids)) for ids in zip(*answers, strict=True)] == [1] * KEYS
    there = [[run.id for run in find_runs(apis[0], experiment, f"key{key}")] for key in range(KEYS)]
    assert there == [[run_id] for run_id in answers[0]]


def test_a_run_whose_maker_died_before_it_was_settled(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "_SETTLE_TIMEOUT", 0.2)
    api = open_api(server.uri, Credentials())
    experiment = api.get_or_create_experiment("agreement")
    left = api.create_run(experiment, "left", 1, {"mlcraft.key": "left"})
    found = find_or_create_run(api, experiment, "left", name="other", start=1, tags={})
    assert found.id == left.id
    assert [run.id for run in find_runs(api, experiment, "left")] == [left.id]
