"""Fused steps: several steps in one task, with the outputs, retries and messages of steps with tasks of their own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from airflow_mlcraft.operators.values import FUSED_STEPS
from tests.operators.embedded import fork_server, names_and_texts
from tests.operators.test_files import check_store

pytestmark = pytest.mark.every_airflow

LOOPS = {"development_versions": "True"}
RETRY = {"default_args": {"retries": 1, "retry_delay": 0}}


def test_fused_steps_have_the_outputs_of_cwltool(tmp_path: Path) -> None:
    ran = fork_server().run(tmp_path / "fused", "fused/hinted.cwl")
    assert names_and_texts(ran.ok()) == names_and_texts(fork_server().cwltool(tmp_path / "cwltool", "fused/hinted.cwl"))
    assert set(ran.states) == {"inputs", "write", "join", "both", "outputs"}, "one task each, and none for items"
    assert "write[1]: [job write] " in ran.log("write"), "the command line of each item"
    assert "both/raise: raise took" in ran.log("both")
    check_store(tmp_path / "fused" / "store")


@pytest.mark.parametrize("mode", ["off", "hinted", "all"])
def test_every_mode_has_the_same_outputs(tmp_path: Path, mode: str) -> None:
    ran = fork_server().run(tmp_path, "scatter.cwl", settings={"fuse": mode})
    assert ran.ok()["nested"] == [["a-x", "a-y", "a-z"], ["b-x", "b-y", "b-z"]]
    assert (list(ran.states) == ["inputs", "steps", "outputs"]) == (mode == "all")


def test_a_retry_runs_only_what_has_not_succeeded(tmp_path: Path) -> None:
    flags = tmp_path / "flags"
    flags.mkdir()
    for name in ("one", "three"):
        (flags / name).touch()
    ran = fork_server().run(tmp_path / "run", "fused/flags.cwl", {"folder": str(flags)}, dag_args=RETRY)
    assert ran.state == "failed"
    assert "steps/each[1]: its outputs" not in ran.log("steps")
    assert "steps/each[0]: its outputs are those of an earlier try" in ran.log("steps")
    assert Counter((flags / "ran").read_text().split()) == {"one": 1, "two": 2, "three": 1}
    (failure,) = ran.failed
    assert failure["task_id"] == "steps"
    assert "the tool of each failed with exit code 1" in failure["message"]


def test_several_failed_steps_are_one_sentence(tmp_path: Path) -> None:
    flags = tmp_path / "flags"
    flags.mkdir()
    ran = fork_server().run(tmp_path / "run", "fused/flags.cwl", {"folder": str(flags)})
    (failure,) = ran.failed
    assert failure["message"].startswith("3 steps failed: steps/each[0]: the tool of each failed")
    assert sorted((flags / "ran").read_text().split()) == ["one", "three", "two"], "one failure does not end the others"


def test_an_expression_that_fails_is_named_once(tmp_path: Path) -> None:
    ran = fork_server().run(tmp_path, "fused/wrong_condition.cwl")
    (failure,) = ran.failed
    assert failure["message"].startswith("step say: when must give true or false, and $(inputs.word) gave 'a'")
    assert failure["message"].count("must give true or false") == 1


def test_the_states_of_the_steps_are_an_xcom(tmp_path: Path) -> None:
    ran = fork_server().run(tmp_path, "fused/hinted.cwl", xcom=["both"], xcom_key=FUSED_STEPS)
    records = {record["path"]: record for record in ran.xcom["both"]}
    assert set(records) == {"both/raise", "both/add"}
    assert records["both/add"]["outputs"] == {"total": 6}
    assert records["both/raise"]["start"] <= records["both/raise"]["end"] <= records["both/add"]["start"]
    assert {record["state"] for record in records.values()} == {"success"}


def test_a_loop_is_one_task(tmp_path: Path) -> None:
    ran = fork_server().run(tmp_path, "fused/loop.cwl", settings=LOOPS)
    assert names_and_texts(ran.ok())["text"] == ["text.txt", "".join(f"line {number}\n" for number in range(1, 6))]
    assert set(ran.states) == {"inputs", "append", "outputs"}
    assert "append[4]: append took" in ran.log("append")


def test_a_loop_without_iterations_has_no_outputs(tmp_path: Path) -> None:
    assert fork_server().run(tmp_path, "fused/loop.cwl", {"lines": 0}, settings=LOOPS).ok() == {"text": None}


def test_a_version_in_development_needs_the_setting(tmp_path: Path) -> None:
    ran = fork_server().run(tmp_path, "fused/loop.cwl")
    assert ran.state == "refused"
    assert "cwlVersion: v1.3.0-dev1" in ran.error_messages() and "development_versions" in ran.error_messages()


def test_a_killed_worker_process_is_a_sentence(tmp_path: Path) -> None:
    ran = fork_server().run(tmp_path, "fused/kills_its_parent.cwl", dag_args=RETRY)
    (failure,) = ran.failed
    assert "its worker process was killed; is there enough memory for it?" in failure["message"]
    assert failure["temporary"], "a retry may help"


def test_a_killed_task_goes_on_where_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    job = {"folder": str(folder), "journals": str(tmp_path / "run" / "store" / "fused")}
    ran = fork_server().run(tmp_path / "run", "fused/kills_its_task.cwl", job, dag_args=RETRY)
    assert [text for _, text in names_and_texts(ran.ok())["lines"]] == [f"{number}\n" for number in range(8)]
    counts = Counter((folder / "ran").read_text().split())
    ended = (folder / "ended_before").read_text().split()
    assert counts["5"] == 2, "the one that was killed"
    assert len(ended) >= 3 and all(counts[name] == 1 for name in ended), "nothing that had succeeded ran again"
    check_store(tmp_path / "run" / "store")
