"""Clearing failed tasks in Airflow and running them again: the same answer as a run that never failed."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from tests.dag.real_airflow import RealAirflow
from tests.operators.embedded import DOCUMENTS
from tests.operators.test_files import store_is_whole

RUN = "import runpy, sys; runpy.run_module('tests.operators.clearing', run_name='__main__')"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Any:
    airflow = RealAirflow(tmp_path_factory.mktemp("clearing") / "home")
    shutil.copy(DOCUMENTS / "needs_flags.cwl", airflow.documents)
    told = airflow.python(RUN, str(airflow.home / "flags"))
    store_is_whole(airflow.home / "mlcraft" / "store")
    return told


def test_the_run_fails_first(told: Any) -> None:
    assert told["first"][""] == "failed"
    assert told["first"]["first"] == "failed"
    assert told["first"]["outputs"] == "upstream_failed"


def test_a_cleared_step_goes_on(told: Any) -> None:
    second = told["second"]
    assert (second["first"], second["each[0]"], second["each[1]"], second["each[2]"]) == (
        "success",
        "success",
        "failed",
        "success",
    )
    assert second[""] == "failed"


def test_one_item_of_a_scatter_is_cleared(told: Any) -> None:
    assert set(told["third"].values()) == {"success"}
    assert (told["tries"]["each[0]"], told["tries"]["each[1]"], told["tries"]["first"]) == (1, 2, 2)


def test_the_answer_is_that_of_a_run_that_never_failed(told: Any) -> None:
    assert told["outputs"] == told["never_failed"]
    assert told["outputs"]["all"] == ["all.txt", "one\ntwo\nthree\n"]
