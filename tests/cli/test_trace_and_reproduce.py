"""`mlcraft trace` and `mlcraft reproduce` after two real runs; the second competed with the champion of the first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest

from airflow_mlcraft.tracking import tags
from airflow_mlcraft.tracking.api import Run
from tests.operators.embedded import DOCUMENTS, CommandResult, fork_server
from tests.operators.tracked import TrackedFolder


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackedFolder]:
    tracked = TrackedFolder(tmp_path_factory.mktemp("learning"))
    for models in (["naive_bayes"], ["naive_bayes", "k_neighbors"]):
        tracked.run(job={"models": models}).ok()
    yield tracked


@pytest.fixture(scope="module")
def runs(tracked: TrackedFolder) -> list[Run]:
    """Of the DAG runs."""
    return [run for run in tracked.runs() if tags.PARENT not in run.tags]


def mlcraft(tracked: TrackedFolder, *arguments: str, **environment: str) -> CommandResult:
    return fork_server().command(
        "mlcraft", *arguments, folder=tracked.folder, env={**tracked.environment(), **environment}
    )


def test_the_way_back(tracked: TrackedFolder, runs: list[Run]) -> None:
    output = mlcraft(tracked, "trace", "learning")
    assert output.code == 0, output.err
    for text in ("train 0", "process", "reads  train.parquet", "makes  data.csv", "tests/documents/learning.cwl"):
        assert text in output.out
    found: dict[str, Any] = mlcraft(tracked, "trace", "models:/learning@champion", "--json").json()
    assert found["run_id"] in {run.id for run in runs}
    assert found["made_by"]["task_id"] == "train", "a version is of the model that was trained"
    assert found["document_hash"] and found["plan"] and found["git_commit"]
    assert {step["task_id"] for step in found["steps"]} == {"retrieve", "process", "train", "evaluate"}
    retrieved = next(step for step in found["steps"] if step["task_id"] == "retrieve")
    assert [data["md5"] for data in retrieved["data"]] == [retrieved["outputs"]["data"][0]["md5"]]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("nobody", "there is no registered model 'nobody' with a version; the registry has learning"),
        ("learning@today", "no version of 'learning' is called 'today'; it has the versions 1"),
        ("learning/99", "there is no model version 'learning/99'"),
        ("learning/", "'learning/' is no model"),
    ],
)
def test_a_model_that_is_not_there(tracked: TrackedFolder, runs: list[Run], asked: str, sentence: str) -> None:
    output = mlcraft(tracked, "trace", asked)
    assert (output.code, output.out) == (1, "")
    assert sentence in output.err


def test_a_home_in_which_nothing_was_tracked(tracked: TrackedFolder, tmp_path: Path) -> None:
    output = mlcraft(tracked, "trace", "learning", AIRFLOW__MLCRAFT__TRACKING_URI=f"sqlite:///{tmp_path}/none.db")
    assert output.code == 1
    assert "nothing has been tracked" in output.err
    assert not (tmp_path / "none.db").exists()


def test_a_run_comes_out_the_same(tracked: TrackedFolder, runs: list[Run]) -> None:
    before = tracked.api().list_versions("learning")
    output = mlcraft(tracked, "reproduce", runs[1].id)
    assert output.code == 0, output.out + output.err
    assert "13 of 13 outputs" in output.out
    assert "Not done again, their outputs are those of then: retrieve" in output.out
    found = mlcraft(tracked, "reproduce", "learning", runs[0].tags[tags.RUN], "--json").json()
    assert (found["same"], found["run_id"], found["replayed"]) == (True, runs[0].id, ["retrieve"])
    assert {each["step"] for each in found["compared"]} == {"process", "train 0 · naive_bayes", "evaluate"}
    assert tracked.api().list_versions("learning") == before
    assert len([run for run in tracked.runs() if tags.PARENT not in run.tags]) == 2


def test_a_difference_is_shown(tracked: TrackedFolder, runs: list[Run]) -> None:
    (process,) = [run for run in tracked.runs() if run.tags.get(tags.PARENT) == runs[0].id and run.name == "process"]
    tracked.api().log_batch(process.id, [("features", 5.0, 0, 9)], {}, {})
    output = mlcraft(tracked, "reproduce", process.id, "--quiet")
    assert output.code == 1
    (line,) = [line for line in output.out.splitlines() if "✗" in line]
    assert line.split() == ["process", "✗", "features", "5.0", "4.0"]
    tracked.api().log_batch(process.id, [("features", 4.0, 1, 10)], {}, {})


def test_a_run_that_cannot_be_found(tracked: TrackedFolder, runs: list[Run]) -> None:
    output = mlcraft(tracked, "reproduce", "nonsense")
    assert output.code == 1
    assert "there is no run 'nonsense' in MLflow" in output.err
    output = mlcraft(tracked, "reproduce", "learning", "manual__never")
    assert "no run of the DAG 'learning' with the run id 'manual__never' is tracked" in output.err


def test_a_plan_that_is_forgotten(tracked: TrackedFolder, runs: list[Run], tmp_path: Path) -> None:
    empty = {"AIRFLOW__MLCRAFT__CACHE": str(tmp_path / "cache")}
    output = mlcraft(tracked, "reproduce", runs[0].id, **empty)
    assert output.code == 1
    assert "name its document" in output.err
    assert "tests/documents/learning.cwl" in output.err
    other = mlcraft(tracked, "reproduce", runs[0].id, "--document", str(DOCUMENTS / "echo.cwl"), **empty)
    assert "is not the document of the run" in other.err
    same = mlcraft(tracked, "reproduce", runs[0].id, "--json", "--document", str(DOCUMENTS / "learning.cwl"), **empty)
    assert same.json()["same"]


def test_data_that_is_gone(tracked: TrackedFolder, runs: list[Run]) -> None:
    """The last test: the store has lost something then."""
    found = json.loads(mlcraft(tracked, "trace", "learning", "--json").out)
    md5 = next(step for step in found["steps"] if step["task_id"] == "retrieve")["outputs"]["data"][0]["md5"]
    rmtree(tracked.folder / "store" / "files" / "md5" / md5[:2])
    output = mlcraft(tracked, "reproduce", runs[0].id)
    assert output.code == 1
    assert "does not have the data of the run any more" in output.err
    assert md5 in output.err
