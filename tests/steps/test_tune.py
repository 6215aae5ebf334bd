"""tune: seeded, and the same when it is killed in the middle and run again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.steps.processed import PARTS, process_diabetes, process_table, read_files

TUNE = ("tune", *PARTS, "--model", "gradient_boosting", "--trials", "9", "--folds", "3", "--metric", "log_loss")
SPACE = '{"n_estimators": {"low": 5, "high": 40, "type": "int"}, "max_depth": [1, 2, 3]}'

# Runs a step, tells its lines on stdout, and stops for good at a line of the log.
SCRIPT = """
import sys, time
from pathlib import Path
from airflow_mlcraft.steps.command import run
from airflow_mlcraft.steps.services import Services
def say(line):
    print(line, flush=True)
    if line.startswith("trial 4 "):
        time.sleep(600)
sys.exit(run(sys.argv[3:], folder=Path(sys.argv[1]), services=Services(state=Path(sys.argv[2]), log=say)))
"""


def test_what_it_makes(tmp_path: Path) -> None:
    steps = process_table(tmp_path)
    steps.run_checked(*TUNE, "--space", SPACE, "--seed", "1")
    result = json.loads((tmp_path / "trials.json").read_text())
    params = json.loads((tmp_path / "params.json").read_text())
    best = result["trials"][result["best"]]
    assert [one["number"] for one in result["trials"]] == list(range(10))
    assert best["params"] == params
    assert json.loads((tmp_path / "metrics.json").read_text())["cv"]["log_loss"]["folds"] == best["folds"]
    assert json.loads((tmp_path / "model" / "model.json").read_text())["params"] == params
    record = json.loads((tmp_path / "record.json").read_text())
    assert [one["metrics"]["log_loss"] for one in record["trials"]] == [
        one["metrics"]["log_loss"] for one in result["trials"]
    ]
    curve = [value for _, value in record["series"]["best_log_loss"]]
    assert curve == sorted(curve, reverse=True)
    steps.run_checked(
        "train", *PARTS, "--model", "gradient_boosting", "--params", "params.json", "--folds", "3", "--seed", "1"
    )
    assert json.loads((tmp_path / "metrics.json").read_text())["cv"]["log_loss"]["folds"] == best["folds"]


def test_killed_in_the_middle_and_run_again(tmp_path: Path) -> None:
    whole = process_table(tmp_path / "whole")
    whole.run_checked(*TUNE, "--space", SPACE)
    broken = process_table(tmp_path / "broken", state=tmp_path / "state")
    command = [sys.executable, "-c", SCRIPT, str(broken.folder), str(tmp_path / "state"), *TUNE, "--space", SPACE]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert any(line.startswith("trial 4 ") for line in process.stdout)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (broken.folder / "trials.json").exists()
    broken.run_checked(*TUNE, "--space", SPACE)
    assert "4 trials are there already" in broken.log_lines
    assert read_files(broken.folder) == read_files(whole.folder)


def test_another_search_has_another_file(tmp_path: Path) -> None:
    steps = process_diabetes(tmp_path / "work")
    steps = process_table(tmp_path / "work", state=tmp_path / "state")
    for more in ((), ("--seed", "1"), ("--pruner", "none"), ("--trials", "3")):
        steps.run_checked("tune", *PARTS, "--model", "naive_bayes", "--trials", "2", "--folds", "2", *more)
    assert len(list((tmp_path / "state").iterdir())) == 3


def test_params_that_are_given_are_not_searched(tmp_path: Path) -> None:
    steps = process_diabetes(tmp_path)
    steps.run_checked(
        "tune", *PARTS, "--model", "elastic_net", "--trials", "3", "--folds", "2", "--params", '{"alpha": 0.1}'
    )
    trials = json.loads((tmp_path / "trials.json").read_text())["trials"]
    assert [set(one["params"]) for one in trials[1:]] == [{"l1_ratio"}] * 3
    assert json.loads((tmp_path / "params.json").read_text())["alpha"] == 0.1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--trials", "0"], "--trials is 0; expected 1 or more"),
        (["--folds", "0"], "--folds is 0; a search needs 2 or more"),
        (["--pruner", "rake"], "--pruner is 'rake'; expected median or none"),
        (["--space", '{"C": 1}'], "svm has no parameter 'C'; did you mean"),
        (["--space", '{"estimator__C": 1}'], "estimator__C is 1; expected a list"),
        (["--model", "baseline"], "no search space is known for baseline"),
    ],
)
def test_refusals(options: list[str], words: str, tmp_path: Path) -> None:
    assert words in process_table(tmp_path).run_for_error("tune", *PARTS, "--model", "svm", *options)
