"""Clearing failed tasks in Airflow and running them again: the same answer as a run that never failed."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from tests.dag.real_airflow import RealAirflow
from tests.operators.embedded import DOCUMENTS
from tests.operators.test_files import check_store

RUN = "import runpy, sys; runpy.run_module('tests.operators.clearing', run_name='__main__')"


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Any:
    airflow = RealAirflow(tmp_path_factory.mktemp("clearing") / "home")
    shutil.copy(DOCUMENTS / "needs_flags.cwl", airflow.documents)
    result = airflow.python(RUN, str(airflow.home / "flags"))
    check_store(airflow.home / "mlcraft" / "store")
    return result


def test_the_run_fails_first(result: Any) -> None:
    assert result["first"][""] == "failed"
    assert result["first"]["first"] == "failed"
    assert result["first"]["outputs"] == "upstream_failed"


def test_a_cleared_step_goes_on(result: Any) -> None:
    second = result["second"]
    assert (second["first"], second["each[0]"], second["each[1]"], second["each[2]"]) == (
        "success",
        "success",
        "failed",
        "success",
    )
    assert second[""] == "failed"


def test_one_item_of_a_scatter_is_cleared(result: Any) -> None:
    assert set(result["third"].values()) == {"success"}
    assert (result["tries"]["each[0]"], result["tries"]["each[1]"], result["tries"]["first"]) == (1, 2, 2)


def test_the_answer_is_that_of_a_run_that_never_failed(result: Any) -> None:
    assert result["outputs"] == result["never_failed"]
    assert result["outputs"]["all"] == ["all.txt", "one\ntwo\nthree\n"]
