"""CWL workflows inside a DAG of native tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.operators.embedded import DagRunResult, fork_server, names_and_texts

pytestmark = pytest.mark.every_airflow


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> DagRunResult:
    wanted = ["report", "beside", "again.outputs", "shout.outputs", "count.outputs"]
    return fork_server().run(tmp_path_factory.mktemp("native"), "native.py", xcom=wanted)


def test_values_flow_both_ways(ran: DagRunResult) -> None:
    assert ran.state == "success", ran.error_messages()
    assert ran.xcom["report"] == {"sizes": [6, 10, 14], "lines": 3, "keys": ["all", "shouted", "sizes"]}
    assert ran.xcom["beside"] == "ran"


def test_mapped_results_are_an_array(ran: DagRunResult) -> None:
    assert ran.xcom["shout.outputs"]["sizes"] == [6, 10, 14]


def test_a_file_of_one_workflow_is_an_input_of_the_next(ran: DagRunResult) -> None:
    assert names_and_texts(ran.xcom["again.outputs"]) == {"count": 1, "printed": ["count.txt", "1\n"]}


def test_each_group_has_a_folder_of_its_own(ran: DagRunResult) -> None:
    folders = {
        Path(ran.xcom[f"{group}.outputs"]["printed"]["location"].removeprefix("file://")).parent
        for group in ("count", "again")
    }
    assert folders == {ran.folder / "out" / "count", ran.folder / "out" / "again"}
