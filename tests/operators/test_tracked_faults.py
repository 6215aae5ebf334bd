"""Machine-learning runs that go on while MLflow's server is killed, or the process that trains: real processes all."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from airflow_mlcraft.tracking import tags
from airflow_mlcraft.tracking.api import Run
from tests.operators.embedded import DOCUMENTS, PROJECT, fork_server
from tests.operators.tracked import TrackedFolder
from tests.tracking.conftest import wait_until
from tests.tracking.server import Server

# What is trained goes on when the test says so.
WAITS = """
import os
import time
from pathlib import Path
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

FOLDER = Path({folder!r})

def estimators():
    # A training asks several times; it waits the first time.
    asked = FOLDER / f"asked_by_{{os.getpid()}}"
    if not asked.exists():
        asked.touch()
        number = next(number for number in (0, 1) if not (FOLDER / f"begun{{number}}").exists())
        (FOLDER / f"begun{{number}}").mkdir()
        while not (FOLDER / f"go{{number}}").exists():
            time.sleep(0.02)
    return {{"tree": DecisionTreeClassifier(max_depth=3), "bayes": GaussianNB()}}
"""

# The first try trains for minutes, the second does not.
LONG = """
import os
from pathlib import Path
from sklearn.ensemble import RandomForestClassifier

FOLDER = Path({folder!r})

def estimators():
    # A training asks several times.
    pid = FOLDER / "pid"
    first = not pid.exists() or pid.read_text() == str(os.getpid())
    (FOLDER / "part").write_text(str(os.getpid()))
    (FOLDER / "part").rename(FOLDER / ("pid" if first else "again"))
    return {{"forest": RandomForestClassifier(100_000 if first else 5)}}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("mlflow"))
    with ThreadPoolExecutor() as both:
        both.submit(fork_server)
        both.submit(server.start).result()
    yield server
    server.kill()


def write_model_code(folder: Path, text: str) -> dict[str, str]:
    """A file of the user's, as an input."""
    path = folder / "model.py"
    path.write_text(text.format(folder=str(folder)))
    return {"class": "File", "location": str(path)}


@contextmanager
def run_in_thread(function: Callable[[], None]) -> Iterator[None]:
    """Call a function in a thread while the block runs; its exception is raised at the end of the block."""
    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(function)
        yield
        done.result()


def index_by_name(runs: list[Run], run_id: str) -> dict[str, Run]:
    """The runs of a DAG run; all of them have different names."""
    found = [run for run in runs if run.tags[tags.RUN] == run_id]
    assert len({run.name for run in found}) == len(found), [run.name for run in found]
    return {run.name: run for run in found}


def user_metrics(run: Run) -> dict[str, float]:
    """Its metrics, without those of the machine."""
    return {name: value for name, value in run.metrics.items() if not name.startswith("system/")}


def test_a_server_that_is_killed_in_mid_run_and_comes_back(tmp_path: Path, server: Server) -> None:
    tracked = TrackedFolder(tmp_path, server.uri)

    def kill() -> None:
        # Both are in training; what the first then says finds no server, and the rest of the run knows of it.
        wait_until((tmp_path / "begun1").exists)
        server.kill()
        (tmp_path / "go0").touch()
        wait_until(tracked.tracking.spool.read_delivery_error)
        (tmp_path / "go1").touch()

    job = {"models": ["tree", "bayes"], "code": write_model_code(tmp_path, WAITS)}
    with run_in_thread(kill):
        ran = tracked.run(job=job)
    ran.ok()
    assert set(ran.tries.values()) == {1}
    assert "the tracking store has taken nothing since" in ran.log("evaluate")
    assert f"what was tracked is kept in {tmp_path / 'spool'}" in ran.log("evaluate")
    assert "and sent later" in ran.log("evaluate")
    assert tracked.tracking.spool.list_pending()

    server.start()
    (first,) = {run.tags[tags.RUN] for run in tracked.runs()}
    found = index_by_name(tracked.runs(), first)
    assert set(found) == {f"learning {first}", "retrieve", "process", "train 0 · tree", "train 1 · bayes", "evaluate"}
    assert {run.status for run in found.values()} == {"FINISHED"}
    # The same run once more, with a server that stays, says the same; its steps are remembered.
    tracked.run(job=job).ok()
    (second,) = {run.tags[tags.RUN] for run in tracked.runs()} - {first}
    again = index_by_name(tracked.runs(), second)
    for name in ("retrieve", "process", "train 0 · tree", "train 1 · bayes"):
        then, now = found[name], again[name]
        assert (then.params, user_metrics(then)) == (now.params, user_metrics(now)), name
        assert (then.datasets, len(then.models)) == (now.datasets, len(now.models)), name
    assert user_metrics(again["evaluate"]).items() >= user_metrics(found["evaluate"]).items()
    assert len(list((server.folder / "artifacts").rglob("log.txt"))) >= 5
    (version,) = tracked.api().list_versions("learning")
    assert version.tags[tags.RUN] == first
    assert tracked.api().get_version_by_alias("learning", "champion") == version


def test_a_worker_that_is_killed_in_training(tmp_path: Path, server: Server) -> None:
    tracked = TrackedFolder(tmp_path, server.uri)

    def kill() -> None:
        wait_until((tmp_path / "pid").exists)
        threading.Event().wait(0.5)
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)

    # A document of its own, and so a registered model of its own.
    document = tmp_path / "forest.cwl"
    text = (DOCUMENTS / "learning.cwl").read_text().replace("id: learning", "id: forest")
    document.write_text(text.replace("../../cwl", str(PROJECT / "cwl")))
    with run_in_thread(kill):
        ran = tracked.run(str(document), {"models": ["forest"], "code": write_model_code(tmp_path, LONG)})
    ran.ok()
    assert (tmp_path / "again").exists()
    assert (ran.tries["train[0]"], ran.tries["process"], ran.tries["evaluate"]) == (2, 1, 1)
    runs = tracked.runs("forest")
    (run_id,) = {run.tags[tags.RUN] for run in runs}
    found = index_by_name(runs, run_id)
    assert set(found) == {f"forest {run_id}", "retrieve", "process", "train 0 · forest", "evaluate"}
    assert {run.status for run in found.values()} == {"FINISHED"}
    train = found["train 0 · forest"]
    assert (train.tags[tags.TRY], train.params["n_estimators"], len(train.models)) == ("2", "5", 1)
    assert train.metrics["system/cpu_seconds"] > 0
    assert train.metrics["system/peak_memory_megabytes"] > 50
    (version,) = tracked.api().list_versions("forest")
    assert tracked.api().get_version_by_alias("forest", "champion") == version
