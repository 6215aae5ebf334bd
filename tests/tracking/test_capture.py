"""Captured configuration."""

from __future__ import annotations

import functools
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from airflow_mlcraft.tracking import capture, tags
from airflow_mlcraft.tracking.capture import tracked_run
from airflow_mlcraft.tracking.client import TrackingClient
from airflow_mlcraft.tracking.names import DagRunName, StepName
from tests.tracking.test_client import all_runs, by_task


def train(trees: int, depth: int = 3, *, api_key: str = "none", **more: object) -> float:
    print(f"{trees} trees")
    print("and an error", file=sys.stderr)
    return float(np.random.random()) + random.random()  # noqa: S311


def test_arguments_with_their_defaults_and_no_secret() -> None:
    found = capture.bind_arguments(train, 5, api_key="xyz", colour="red")
    assert found == {"trees": 5, "depth": 3, "api_key": "***", "colour": "red"}
    assert capture.to_params({"long": "a" * 1000})["long"] == "a" * 499 + "…"


def test_the_source_hash_follows_the_source() -> None:
    assert capture.hash_source(train) == capture.hash_source(train)
    assert capture.hash_source(train) != capture.hash_source(capture.hash_source)
    assert len({capture.hash_source(_compiled(number)) for number in (1, 2)}) == 2


def _compiled(number: int) -> Callable[[], int]:
    """A function without a source file."""
    room: dict[str, Callable[[], int]] = {}
    exec(f"def function(): return {number}", room)  # noqa: S102
    return room["function"]


def test_the_commit_of_a_folder(tmp_path: Path) -> None:
    assert capture.git_commit(str(tmp_path)) == ""
    folder = tmp_path / "repository"
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(folder)]
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    output = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    assert capture.git_commit(str(folder)) == output.stdout.strip()


def test_packages_of_the_functions_module() -> None:
    assert capture.package_tags(train)["package.numpy"] == np.__version__


def test_packages_are_found_without_reading_all_metadata() -> None:
    """`packages_distributions` took 0.2 s of each task."""
    program = (
        "import sys, sklearn\nfrom airflow_mlcraft.tracking import capture\nimport importlib.metadata as metadata\n"
        "def refuse(): raise AssertionError('all metadata is read')\n"
        "metadata.packages_distributions = refuse\n"
        "def train(): pass\nprint(capture.package_tags(train))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    import sklearn

    assert f"'package.scikit-learn': '{sklearn.__version__}'" in done.stdout


class _WithoutText:
    def __repr__(self) -> str:
        raise RuntimeError("no text")


def test_what_cannot_be_captured_fails_no_task(
    run_name: DagRunName, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tracking = TrackingClient("http://127.0.0.1:9", spool=tmp_path / "spool", linger=0)
    given = {"seed": None, "model": _WithoutText()}
    with tracked_run(tracking, StepName(run_name, "train"), functools.partial(train, 5), given) as run:
        run.params({"model": _WithoutText()})
    (file,) = tmp_path.glob("spool/*/lines/*.jsonl")
    records = [json.loads(line) for line in file.read_text().splitlines()]
    assert {"function": f"{__name__}.train"}.items() <= {
        name: value for record in records for name, value in record.get("tags", {}).items()
    }.items()
    assert "params of the run is not tracked" in caplog.text
    assert capture.bind_arguments(train, 1, 2, 3, 4) == {}


def test_a_tracked_run_says_what_was_called(
    tracking: TrackingClient, run_name: DagRunName, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = []
    for number in (1, 2):
        step = StepName(run_name, "train", try_number=number)
        with tracked_run(tracking, step, train, capture.bind_arguments(train, 5)) as run:
            drawn.append(train(5))
            run.metric("drawn", drawn[-1])
    assert drawn[0] == drawn[1], "a retry repeats what is random"
    assert capsys.readouterr().out == "5 trees\n" * 2
    assert tracking.flush() == 0
    found = by_task(all_runs(tracking, run_name))["train", -1]
    assert found.params == {
        "trees": "5",
        "depth": "3",
        "api_key": "***",
        "seed": str(capture.derive_seed(found.tags[tags.KEY])),
    }
    assert found.tags["function"].endswith(".train")
    assert found.tags["source_hash"] == capture.hash_source(train)
    assert found.tags.keys() >= {"host.name", "host.python", "package.numpy"}

    import mlflow

    mlflow.set_tracking_uri(tracking.uri)
    assert mlflow.artifacts.load_text(f"runs:/{found.id}/printed.txt") == "5 trees\nand an error\n"
