"""Tools that fail, workers that die: what is said, what is tried again, what is left behind."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.operators.embedded import fork_server, names_and_texts
from tests.operators.test_files import check_store

SHIPPED = Path(__file__).parents[2] / "cwl"


def test_a_permanent_failure_is_not_tried_again(tmp_path: Path) -> None:
    ran = fork_server().run(tmp_path, "flaky.cwl", {"flag": str(tmp_path / "flag"), "code": 1})
    assert (ran.state, ran.tries["flaky"]) == ("failed", 1)
    (failure,) = ran.failed
    assert (failure["task_id"], failure["exception"]) == ("flaky", "AirflowFailException")
    assert failure["message"] == "the tool of flaky failed with exit code 1: it is not there"
    assert "Traceback" not in failure["message"]
    assert ran.states["outputs"] == "upstream_failed"


def test_a_temporary_failure_is_tried_again(tmp_path: Path) -> None:
    ran = fork_server().run(tmp_path, "flaky.cwl", {"flag": str(tmp_path / "flag"), "code": 4})
    assert names_and_texts(ran.ok()) == {"made": ["seen.txt", "made\n"]}
    assert (ran.tries["flaky"], ran.tries["after"]) == (2, 1)
    assert "[stderr] it is not there" in ran.log("flaky")
    check_store(tmp_path / "store")


def test_tries_come_to_an_end(tmp_path: Path) -> None:
    ran = fork_server().run(tmp_path, "flaky.cwl", {"flag": "/no/such/folder/flag", "code": 4})
    assert (ran.state, ran.tries["flaky"]) == ("failed", 3)
    assert "exit code 4" in ran.error_messages()


def test_a_worker_that_is_killed(tmp_path: Path) -> None:
    """The tool kills the process that runs the step, in the middle of its output."""
    ran = fork_server().run(tmp_path, "killed.cwl", {"flag": str(tmp_path / "flag")}, parallel=1)
    outputs = names_and_texts(ran.ok())
    assert [name for name, _ in outputs["made"]] == ["first.txt", "second.txt"]
    assert outputs["made"][0][1].splitlines()[-1] == "100000"
    assert "100003 total" in outputs["sum"][1]
    assert (ran.tries["count"], ran.tries["sum"]) == (2, 1)
    check_store(tmp_path / "store")


def test_the_tool_of_a_worker_that_is_killed_does_not_run_beside_the_next_try(tmp_path: Path) -> None:
    ran = fork_server().run(tmp_path, "left_running.cwl", {"flag": str(tmp_path / "flag")})
    assert names_and_texts(ran.ok()) == {"states": ["states.txt", "gone\ngone\n"]}
    assert ran.tries["goes_on"] == 2


def test_a_tool_that_is_killed_from_outside_is_tried_again(tmp_path: Path) -> None:
    ran = fork_server().run(tmp_path, "flaky.cwl", {"flag": str(tmp_path / "flag"), "code": 137})
    assert names_and_texts(ran.ok()) == {"made": ["seen.txt", "made\n"]}
    assert ran.tries["flaky"] == 2


@pytest.mark.parametrize(
    ("job", "words"),
    [
        ({}, ["input 'text' (File) of count_lines.cwl is missing", '{"text": {"class": "File"']),
        ({"text": 3}, ["text"]),
        ({"text": "/no/such/file.txt"}, ["input 'text'", "/no/such/file.txt"]),
        ({"text": {"class": "File", "location": "s3://"}}, ["s3:"]),
    ],
)
def test_wrong_inputs_fail_the_first_task(tmp_path: Path, job: dict[str, Any], words: list[str]) -> None:
    ran = fork_server().run(tmp_path, "count_lines/count_lines.cwl", job)
    assert ran.state == "failed"
    assert [failure["task_id"] for failure in ran.failed] == ["inputs"]
    assert all(word in ran.error_messages() for word in words), ran.error_messages()
    assert ran.states["count"] == "upstream_failed"


def test_an_unknown_metric_fails_before_anything_is_fetched(tmp_path: Path) -> None:
    ran = fork_server().run(tmp_path, str(SHIPPED / "workflows" / "classification.cwl"), {"metric": "acuracy"})
    assert [failure["task_id"] for failure in ran.failed] == ["inputs"]
    assert all(word in ran.error_messages() for word in ("'metric'", "acuracy", "'acc'", "'roc_auc'")), (
        ran.error_messages()
    )
    assert ran.states["retrieve"] == "upstream_failed"


def test_an_unknown_model_is_not_left_out_of_a_comparison(tmp_path: Path) -> None:
    """The shipped workflows go on without a model that fails; one that is misspelt fails the run."""
    shutil.copytree(SHIPPED, tmp_path / "cwl")
    document = tmp_path / "cwl" / "workflows" / "classification.cwl"
    document.write_text(re.sub(r"  mlcraft:choices:\n(  - \w+\n)+", "", document.read_text()))
    ran = fork_server().run(tmp_path, str(document), {"models": ["naive_bayes", "random_florest"]})
    (failure,) = ran.failed
    assert (failure["task_id"], failure["map_index"]) == ("train", 1)
    words = ("there is no model 'random_florest' for classification", "'random_forest'")
    assert all(word in failure["message"] for word in words), failure["message"]
    assert (ran.states["train[0]"], ran.states["evaluate"]) == ("success", "upstream_failed")


def test_a_missing_input_is_not_tried_again(tmp_path: Path) -> None:
    retries = {"default_args": {"retries": 3, "retry_delay": 0}}
    ran = fork_server().run(tmp_path, "count_lines/count_lines.cwl", {"text": "/no/such/file.txt"}, dag_args=retries)
    assert ran.tries["inputs"] == 1


def test_unknown_inputs_are_a_warning(tmp_path: Path) -> None:
    ran = fork_server().run(tmp_path, "echo.cwl", {"word": "hi", "wrod": "?"})
    ran.ok()
    assert "echo.cwl has no input called wrod; ignored" in ran.log("inputs")


def test_a_required_container_that_is_switched_off(tmp_path: Path) -> None:
    ran = fork_server().run(tmp_path, "tools/needs_container.cwl")
    (failure,) = ran.failed
    assert failure["exception"] == "UnsupportedFailure"
    assert "requires the container example/image:1, and containers are switched off" in failure["message"]


def test_a_setting_that_makes_no_sense(tmp_path: Path) -> None:
    ran = fork_server().run(tmp_path, "echo.cwl", {"word": "hi"}, settings={"containers": "maybe"})
    assert "[mlcraft] containers is 'maybe', expected auto, always or never" in ran.error_messages()


def test_more_items_than_airflow_maps_over(tmp_path: Path) -> None:
    ran = fork_server().run(
        tmp_path, "too_long.cwl", {"numbers": list(range(10))}, env={"AIRFLOW__CORE__MAX_MAP_LENGTH": "4"}
    )
    assert ran.ok() == {"doubled": [2 * number for number in range(10)]}
    assert {name for name in ran.states if name.startswith("double[")} == {f"double[{index}]" for index in range(4)}
    assert "0 · 0 … 2 · 2" in ran.names


def test_more_sub_workflows_than_airflow_maps_over(tmp_path: Path) -> None:
    words = list("abcdefg")
    ran = fork_server().run(
        tmp_path,
        "scatter_subworkflow.cwl",
        {"words": words, "left_out": "c"},
        env={"AIRFLOW__CORE__MAX_MAP_LENGTH": "3"},
    )
    assert ran.ok()["sizes"] == [3, 3, None, 3, 3, 3, 3]
