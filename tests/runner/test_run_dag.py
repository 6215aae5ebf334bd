"""Runs in children of a warm process: what comes out, how failures are told, what is left behind."""

from __future__ import annotations

import itertools
import os
import signal
import sqlite3
import time
from typing import TYPE_CHECKING

import pytest

from airflow_mlcraft.common.cores import count_cores

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import ForkServer


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@pytest.mark.every_airflow
def test_success_xcom_events_and_logs(fork_server: ForkServer, tmp_path: Path) -> None:
    child = fork_server.start("linear", tmp_path, conf={"start": 41})
    outcome = child.join()
    assert outcome["state"] == "success"
    assert outcome["run_id"] == "chosen"
    assert outcome["xcom"] == [{"class": "File", "n": 41, "x": 0.5, "none": None}, 42, None]
    assert outcome["events"] == [
        ["first", "running", 0, 2],
        ["first", "success", 1, 2],
        ["second", "running", 1, 2],
        ["second", "success", 2, 2],
    ]
    assert all(0 <= duration < 10 for duration in outcome["durations"])
    assert ["first", "info", "a line on stdout"] in outcome["lines"]
    assert ["first", "info", "from a tool"] in outcome["lines"]
    assert ["first", "warning", "loud"] in outcome["lines"]
    assert child.text("stdout") == ""
    assert child.text("stderr") == ""


def test_mapped_tasks_overlap(fork_server: ForkServer, tmp_path: Path) -> None:
    outcome = fork_server.start("mapped", tmp_path, count=8, parallel=4, pause=0.5).join()
    spans = outcome["xcom"][0]
    assert len(spans) == 8
    at_once = [sum(begun <= moment < ended for begun, ended in spans) for moment, _ in spans]
    assert max(at_once) == 4


@pytest.mark.skipif(count_cores() == 1, reason="with one core each task needs all of them")
def test_a_task_that_needs_all_cores_runs_alone(fork_server: ForkServer, tmp_path: Path) -> None:
    """Places to spare are for those that need one core."""
    outcome = fork_server.start("greedy", tmp_path).join()
    spans = sorted(outcome["xcom"][0])
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


def test_empty_mapping(fork_server: ForkServer, tmp_path: Path) -> None:
    outcome = fork_server.start("mapped", tmp_path, count=0, parallel=2, pause=0.0).join()
    assert outcome["state"] == "success"
    assert outcome["xcom"] == [None]


@pytest.mark.every_airflow
def test_mapped_group(fork_server: ForkServer, tmp_path: Path) -> None:
    outcome = fork_server.start("mapped_group", tmp_path).join()
    assert (outcome["state"], outcome["xcom"]) == ("success", [[3, 5, 7]])


@pytest.mark.every_airflow
def test_skip_and_none_failed(fork_server: ForkServer, tmp_path: Path) -> None:
    outcome = fork_server.start("skipped", tmp_path).join()
    assert outcome["state"] == "success"
    assert outcome["states"] == {
        "skip": "skipped",
        "ordinary": "success",
        "after": "success",
        "never": "skipped",
    }
    assert outcome["xcom"] == ["went on"]


def test_retries_wait_for_their_delay(fork_server: ForkServer, tmp_path: Path) -> None:
    outcome = fork_server.start("retried", tmp_path, place=str(tmp_path), delay=0.7).join()
    assert (outcome["state"], outcome["xcom"], outcome["failed"]) == ("success", [3], [])
    assert outcome["events"] == [
        *(["running", 1], ["up_for_retry", 1], ["running", 2], ["up_for_retry", 2], ["running", 3]),
        ["success", 3],
    ]
    times = [float(line) for line in (tmp_path / "tries").read_text().splitlines()]
    assert all(later - earlier >= 0.7 for earlier, later in itertools.pairwise(times))


@pytest.mark.every_airflow
def test_failing_tasks_say_why(fork_server: ForkServer, tmp_path: Path) -> None:
    child = fork_server.start("failing", tmp_path)
    outcome = child.join()
    assert outcome["state"] == "failed"
    failed = {failure["task_id"]: failure for failure in outcome["failed"]}
    assert set(failed) == {"broken", "temporary", "bug"}
    assert failed["broken"]["message"] == "The tool `cat` ended with code 1."
    assert failed["broken"]["exception"] == "AirflowFailException"
    assert [failed[name]["temporary"] for name in ("broken", "temporary", "bug")] == [False, True, False]
    # A mendable error is told as its sentence, a bug with its traceback.
    assert child.text("stdout") == ""
    lines = child.text("stderr").splitlines()
    assert "broken: The tool `cat` ended with code 1." in lines
    assert not any(line.startswith(("broken: Traceback", "temporary: Traceback")) for line in lines)
    assert "bug: KeyError: 'key'" in lines


@pytest.mark.parametrize("retries", [0, 1])
def test_killed_worker(fork_server: ForkServer, tmp_path: Path, retries: int) -> None:
    outcome = fork_server.start("killed", tmp_path, place=str(tmp_path), retries=retries).join()
    assert outcome["xcom"][1:] == ["unharmed", "ran"]
    if retries:
        assert (outcome["state"], outcome["xcom"][0]) == ("success", "second try")
        return
    assert outcome["state"] == "failed"
    [failure] = outcome["failed"]
    assert failure["task_id"] == "victim"
    assert failure["message"] == "The process of the task died (signal 9)."


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupt_leaves_no_process(fork_server: ForkServer, tmp_path: Path, number: signal.Signals) -> None:
    child = fork_server.start("interrupted", tmp_path, place=str(tmp_path))
    wait_until(lambda: all((tmp_path / f"pids-{item}").exists() for item in (1, 2)))
    time.sleep(0.2)
    pids = [int(pid) for item in (1, 2) for pid in (tmp_path / f"pids-{item}").read_text().split()]
    assert all(map(is_alive, pids))
    os.kill(child.pid, number)
    code = child.wait()
    wait_until(lambda: not any(map(is_alive, pids)))
    if number == signal.SIGKILL:
        return
    assert code == (0 if number == signal.SIGINT else 1)  # the scenario catches KeyboardInterrupt alone
    with sqlite3.connect(tmp_path / "kept" / "airflow.db") as database:
        assert database.execute("select state from dag_run").fetchall() == [("failed",)]
        assert database.execute("select distinct state from task_instance").fetchall() == [("failed",)]
    assert child.text("stdout") == ""


@pytest.mark.every_airflow
def test_deferred_task(fork_server: ForkServer, tmp_path: Path) -> None:
    outcome = fork_server.start("deferred", tmp_path).join()
    assert (outcome["state"], outcome["xcom"]) == ("success", ["woken"])


def test_rescheduled_sensor(fork_server: ForkServer, tmp_path: Path) -> None:
    assert fork_server.start("rescheduled", tmp_path, place=str(tmp_path)).join()["state"] == "success"


def test_question_to_a_human_ends_the_run(fork_server: ForkServer, tmp_path: Path) -> None:
    outcome = fork_server.start("stuck", tmp_path).join()
    assert outcome["state"] == "failed"
    assert "approve" in outcome["reason"]


def test_four_runs_at_once_from_a_warm_parent(fork_server: ForkServer, tmp_path: Path) -> None:
    children = [fork_server.start("linear", tmp_path / str(n), conf={"start": n}) for n in range(4)]
    answers = [child.join() for child in children]
    assert [answer["state"] for answer in answers] == ["success"] * 4
    assert [answer["xcom"][1] for answer in answers] == [1, 2, 3, 4]


def test_runs_in_sequence_leave_nothing_open(fork_server: ForkServer, tmp_path: Path) -> None:
    outcome = fork_server.start("sequence", tmp_path, count=3).join()
    assert outcome == {"states": [1, 2, 3], "more": 0}


def test_another_home_is_refused(fork_server: ForkServer, tmp_path: Path) -> None:
    outcome = fork_server.start("other_home", tmp_path, place=str(tmp_path / "other")).join()
    assert "must be prepared before anything imports airflow" in outcome["error"]
