"""Data that no model can be made of, in real DAG runs: a sentence in the log, and no traceback. And wide data."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.operators.embedded import DagRunResult, fork_server

COLUMNS = "size,leaves,target"
GOOD = [f"{number},{number % 7},{'tall' if number % 2 else 'short'}" for number in range(40)]


def run(folder: Path, lines: list[str], **job: object) -> DagRunResult:
    (folder / "plants.csv").write_text("".join(f"{line}\n" for line in lines))
    given = {"source": str(folder / "plants.csv"), "models": ["naive_bayes"], **job}
    return fork_server().run(folder, "learning.cwl", given, settings={"tracking": "never"}, preload_ml=True)


@pytest.mark.parametrize(
    ("lines", "task", "sentence"),
    [
        (
            [COLUMNS, *GOOD, "1,2,tall,too many"],
            "retrieve",
            "plants.csv, line 42: 4 fields where 3 are expected (the fields are separated by ','); mend the line, or "
            "take it out",
        ),
        ([], "retrieve", "plants.csv is empty: it has no byte"),
        ([COLUMNS], "retrieve", "plants.csv is empty: it has the columns size, leaves, target, but no rows"),
        (
            [COLUMNS, *(f"{number},1,tall" for number in range(40))],
            "process",
            "the target 'target' has one class only, 'tall', in the 32 training rows; there is nothing to tell apart",
        ),
        (
            [COLUMNS, *GOOD, "1,2,"],
            "process",
            "the target 'target' is missing in 1 of 41 rows, first in row 41; fill them in or leave them out, for "
            "instance in clean_table() of processor.py",
        ),
        (
            [COLUMNS, *GOOD, *(f"1,2,{number}.5" for number in range(40))],
            "process",
            "the target 'target'",
        ),
        ([COLUMNS, GOOD[0]], "process", "the data has 1 row; at least 2 are needed to split it"),
    ],
    ids=["malformed", "empty", "header_only", "one_class", "no_target", "mixed_target", "one_row"],
)
def test_bad_data_is_refused_in_a_sentence(tmp_path: Path, lines: list[str], task: str, sentence: str) -> None:
    ran = run(tmp_path, lines)
    assert ran.state == "failed"
    (failure,) = ran.failed
    assert (failure["task_id"], failure["exception"], ran.tries[task]) == (task, "AirflowFailException", 1)
    assert failure["message"].startswith(sentence)
    assert ran.log(task).splitlines()[-1] == failure["message"]
    assert not any(word in line for _, _, line in ran.lines for word in ("Traceback", 'File "', "Task failed with"))
    assert ran.states["outputs"] == "upstream_failed"


def test_bad_values_of_a_column_are_told_and_taken_for_missing(tmp_path: Path) -> None:
    ran = run(tmp_path, [COLUMNS, *GOOD, "many,true,tall", ",2024-01-01,short"])
    ran.ok()
    assert "note: the column 'size' is mixed: text in 1 of 42 rows, unlike the others, first 'many' in row 41" in (
        ran.log("retrieve")
    )
    assert "it is taken for numbers, and these are missing" in ran.log("process")


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    """One of two items fails; what could be fitted is fitted."""
    ran = run(tmp_path, [COLUMNS, *GOOD], models=["naive_bayes", "naive_bays"])
    (failure,) = ran.failed
    assert (failure["task_id"], failure["map_index"]) == ("train", 1)
    assert failure["message"].startswith("item 1: there is no model 'naive_bays' for classification; did you mean")
    assert ran.log("train[1]").splitlines()[-1] == failure["message"]
    assert (ran.states["train[0]"], ran.states["evaluate"]) == ("success", "upstream_failed")


def test_a_thousand_columns(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(120, 1000)).round(4)
    frame = pd.DataFrame(values, columns=[f"gene_{number}" for number in range(1000)])
    frame["target"] = np.where(frame["gene_0"] + frame["gene_1"] > 0, "tall", "short")
    ran = run(tmp_path, frame.to_csv(index=False).splitlines(), models=["decision_tree"])
    ran.ok()
    assert "champion: decision_tree" in ran.log("evaluate")
    assert "from 1000 columns: " in ran.log("process")
    # The log shows some of them, and the profile has all.
    assert len(ran.log("retrieve").splitlines()) < 60


def test_the_log_that_a_server_keeps() -> None:
    """Airflow's own logging, as a task of a real server has it: lines of JSON, with the frames of an exception."""
    done = subprocess.run([sys.executable, "-c", _FAILS], capture_output=True, text=True, check=True, timeout=120)
    refused, broken = map(json.loads, done.stdout.splitlines())
    assert (refused["level"], refused["event"]) == ("error", "item 3: plants.csv is empty")
    assert refused.keys() == broken.keys() - {"exception"}
    assert broken["exception"][0]["exc_type"] == "ZeroDivisionError", "a bug has its traceback"


_FAILS = """
import sys
from airflow.sdk.log import configure_logging
configure_logging(output=sys.stdout.buffer, json_output=True)
import structlog
from airflow_mlcraft.errors import StepError
from airflow_mlcraft.operators.failures import as_airflow_exceptions

# Made before there is a failure, as Airflow makes it.
log = structlog.get_logger(logger_name="task").bind()

def run(task):
    try:
        with as_airflow_exceptions("item 3"):
            task()
    except Exception:
        log.exception("Task failed with exception")

def refuses():
    raise StepError("plants.csv is empty")

run(refuses)
run(lambda: 1 / 0)
"""
