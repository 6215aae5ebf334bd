"""Tests of the tree of runs, on a server and in a SQLite store."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from airflow_mlcraft.tracking import tags
from airflow_mlcraft.tracking.api import Run
from airflow_mlcraft.tracking.client import TrackingClient
from airflow_mlcraft.tracking.names import DagRunName, StepName
from tests.tracking.conftest import wait_until


def all_runs(tracking: TrackingClient, run_name: DagRunName) -> list[Run]:
    api = tracking.api()
    return [api.get_run(run.id) for run in api.search_runs(api.get_or_create_experiment(run_name.dag_id), "")]


def by_task(runs: list[Run]) -> dict[tuple[str, int], Run]:
    return {(run.tags.get(tags.TASK, ""), int(run.tags.get(tags.MAP_INDEX, -1))): run for run in runs}


def test_one_parent_and_a_child_for_each_step(tracking: TrackingClient, run_name: DagRunName, tmp_path: Path) -> None:
    plot = tmp_path / "roc.png"
    plot.write_bytes(b"not really")
    tracking.begin(run_name, tags={tags.DOCUMENT: "iris.cwl", tags.PLAN: "123"}, params={"seed": 1})
    for item in range(2):
        with tracking.step(
            StepName(run_name, "train", item, label=f"forest {item}"), tags={tags.IMAGE: "python"}
        ) as run:
            run.params({"trees": item, "nested": {"a": [1]}})
            run.metrics({"accuracy": 0.5})
            run.metrics({"accuracy": 0.75}, step=1)
            run.dataset("iris.csv", md5="d" * 32, path="data/iris.csv", context="training", profile={"rows": 3})
            run.artifact(plot, "plots")
            run.text("all well", "notes/today.txt")
            plot.unlink()
            plot.write_bytes(b"another")
    tracking.end(run_name)
    assert tracking.flush() == 0

    found = by_task(all_runs(tracking, run_name))
    assert set(found) == {("", -1), ("train", 0), ("train", 1)}
    parent, child = found["", -1], found["train", 1]
    assert (parent.status, parent.params) == ("FINISHED", {"seed": "1"})
    assert parent.tags[tags.DOCUMENT] == "iris.cwl"
    assert parent.name == f"{run_name.dag_id} manual__1"
    assert (child.status, child.name) == ("FINISHED", "forest 1")
    assert child.params == {"trees": "1", "nested": '{"a": [1]}'}
    assert child.metrics == {"accuracy": 0.75}
    assert child.tags[tags.PARENT] == parent.id == tracking.wait_for_run_id(run_name)
    assert child.tags[tags.IMAGE] == "python"
    (dataset,) = child.datasets
    assert (dataset.name, dataset.source_type, dataset.context) == ("iris.csv", "dvc", "training")
    assert json.loads(dataset.source) == {"md5": "d" * 32, "path": "data/iris.csv"}

    import mlflow

    mlflow.set_tracking_uri(tracking.uri)
    first = found["train", 0].id
    assert mlflow.artifacts.load_text(f"runs:/{first}/notes/today.txt") == "all well"
    assert mlflow.artifacts.load_text(f"runs:/{first}/plots/roc.png") == "not really"
    (source,) = [given.dataset.source for given in mlflow.get_run(first).inputs.dataset_inputs]
    assert mlflow.data.get_source(mlflow.get_run(first).inputs.dataset_inputs[0]).to_dict()["md5"] == "d" * 32
    assert source


def test_nothing_stays_in_the_spool(tracking: TrackingClient, run_name: DagRunName) -> None:
    with tracking.step(StepName(run_name, "only")) as run:
        run.text("text", "a.txt")
    assert tracking.flush() == 0
    folders = [tracking.spool.root / name for name in ("lines", "files", "sent")]
    # The lines go first; who delivered them needs another moment for the rest.
    wait_until(lambda: not any([*folder.iterdir()] for folder in folders))


def test_a_step_that_fails_fails_with_its_own_error(tracking: TrackingClient, run_name: DagRunName) -> None:
    with pytest.raises(ZeroDivisionError), tracking.step(StepName(run_name, "bad")):
        raise ZeroDivisionError
    assert tracking.flush() == 0
    assert by_task(all_runs(tracking, run_name))["bad", -1].status == "FAILED"


def test_a_retry_goes_on_with_the_run(tracking: TrackingClient, run_name: DagRunName, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), tracking.step(StepName(run_name, "train", try_number=1)) as run:
        run.params({"trees": 1, "depth": 2})
        run.metric("accuracy", 0.1)
        raise ZeroDivisionError
    assert tracking.flush() == 0
    # On another worker, which knows of no run yet; and with a param that has changed, which MLflow does not take.
    other = TrackingClient(tracking.uri, spool=tmp_path / "other", limit=tracking.limit)
    with other.step(StepName(run_name, "train", try_number=2)) as run:
        run.params({"trees": 1, "depth": 3, "leaves": 4})
        run.metric("accuracy", 0.9)
    assert other.flush() == 0
    found = by_task(all_runs(tracking, run_name))["train", -1]
    assert len(all_runs(tracking, run_name)) == 2
    assert (found.status, found.tags[tags.TRY], found.metrics) == ("FINISHED", "2", {"accuracy": 0.9})
    assert found.params == {"trees": "1", "depth": "2", "leaves": "4"}
    (refused,) = [json.loads(line) for path in (other.spool.root / "refused").iterdir() for line in path.open()]
    assert refused["params"] == {"depth": "3"}


def test_a_dag_run_that_is_cleared_is_open_again(tracking: TrackingClient, run_name: DagRunName) -> None:
    tracking.begin(run_name)
    tracking.end(run_name, "FAILED")
    assert tracking.flush() == 0
    assert [run.status for run in all_runs(tracking, run_name)] == ["FAILED"]
    tracking.begin(run_name)
    assert tracking.flush() == 0
    assert [run.status for run in all_runs(tracking, run_name)] == ["RUNNING"]


def test_steps_at_once_on_machines_of_their_own_agree_on_one_parent(
    tracking: TrackingClient, run_name: DagRunName, tmp_path: Path
) -> None:
    """The first task could not create the parent run, and the spools of the steps are separate."""
    workers = [
        TrackingClient(tracking.uri, spool=tmp_path / f"worker{number}", limit=tracking.limit) for number in range(4)
    ]

    def log_metric(number: int) -> int:
        with workers[number].step(StepName(run_name, "train", number)) as run:
            run.metric("accuracy", number)
        return workers[number].flush()

    with ThreadPoolExecutor(len(workers)) as pool:
        assert list(pool.map(log_metric, range(len(workers)))) == [0] * len(workers)
    found = by_task(all_runs(tracking, run_name))
    parent = found.pop(("", -1))
    assert len(all_runs(tracking, run_name)) == len(workers) + 1
    assert {run.tags[tags.PARENT] for run in found.values()} == {parent.id}


def test_many_metrics_come_in_batches(tracking: TrackingClient, run_name: DagRunName) -> None:
    with tracking.step(StepName(run_name, "long")) as run:
        for step in range(3000):
            run.metric("loss", 1 / (step + 1), step)
        run.params({f"p{number}": number for number in range(250)})
        run.metrics({"undefined": float("nan"), "endless": float("inf")})
    assert tracking.flush() == 0
    import mlflow

    run_id = tracking.wait_for_run_id(StepName(run_name, "long"))
    history = mlflow.MlflowClient(tracking.uri).get_metric_history(str(run_id), "loss")
    assert sorted(metric.step for metric in history) == list(range(3000))
    found = tracking.api().get_run(str(run_id))
    assert len(found.params) == 250
    assert math.isnan(found.metrics["undefined"])
    assert found.metrics["endless"] > 1e300


def test_a_worker_that_is_killed_leaves_what_it_has_said(tracking: TrackingClient, run_name: DagRunName) -> None:
    program = """
import os, signal, sys
from airflow_mlcraft.tracking.names import DagRunName, StepName
from airflow_mlcraft.tracking.client import TrackingClient
name = StepName(DagRunName(sys.argv[3], "manual__1"), "train")
with TrackingClient(sys.argv[1], spool=sys.argv[2]).step(name) as run:
    run.params({"trees": 1})
    run.tags({"last": "word"})
    os.kill(os.getpid(), signal.SIGKILL)
"""
    words = [tracking.uri, str(tracking.spool.root.parent), run_name.dag_id]
    done = subprocess.run([sys.executable, "-c", program, *words], check=False)
    assert done.returncode == -9
    assert tracking.flush() == 0
    run = by_task(all_runs(tracking, run_name))["train", -1]
    assert (run.status, run.params, run.tags["last"]) == ("KILLED", {"trees": "1"}, "word")


def test_a_step_imports_no_mlflow(server_tracking: TrackingClient, run_name: DagRunName) -> None:
    program = """
import sys
from airflow_mlcraft.tracking.names import DagRunName, StepName
from airflow_mlcraft.tracking.client import TrackingClient
with TrackingClient(sys.argv[1], spool=sys.argv[2], wait=sys.argv[4] == "wait").step(
    StepName(DagRunName(sys.argv[3], "manual__1"), "train")
) as run:
    run.params({"trees": 1}); run.metric("a", 1); run.dataset("a", md5="b"); run.text("c", "d.txt")
print(sorted({"mlflow", "pandas", "sklearn", "numpy", "requests", "airflow"} & set(sys.modules)))
"""
    for wait in ("wait", "go"):
        words = [server_tracking.uri, str(server_tracking.spool.root.parent), run_name.dag_id, wait]
        done = subprocess.run([sys.executable, "-c", program, *words], check=True, capture_output=True, text=True)
        assert done.stdout.strip() == "[]"
    assert server_tracking.flush() == 0


def test_a_spool_that_cannot_be_written_fails_no_step(
    run_name: DagRunName, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    with TrackingClient("http://127.0.0.1:9", spool=tmp_path / "file").step(StepName(run_name, "train")) as run:
        run.metric("accuracy", 1)
        run.text("text", "a.txt")
    assert "cannot be written" in caplog.text


def test_what_is_said_after_the_end_or_makes_no_sense_is_a_warning(
    run_name: DagRunName, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tracking = TrackingClient("http://127.0.0.1:9", spool=tmp_path / "spool", linger=0)
    with tracking.step(StepName(run_name, "train")) as run:
        run.text(5, "a.txt")  # type: ignore[arg-type]
        circle: list[object] = []
        circle.append(circle)
        run.params({"circle": circle})
        run.artifact(tmp_path / "missing")
        run.model(tmp_path / "missing")
        run.metric("accuracy", 0.5)
    assert run.ended
    assert caplog.text.count("is not tracked") >= 2
    for late in (
        lambda: run.metric("accuracy", 1),
        lambda: run.metrics({"accuracy": 1}),
        lambda: run.params({"a": 1}),
        lambda: run.tags({"a": 1}),
        lambda: run.text("text", "a.txt"),
        lambda: run.dataset("data", md5="0" * 32),
        lambda: run.artifact(__file__),
        lambda: run.model(tmp_path),
        lambda: run.register("model", content="0"),
        run.end,
    ):
        caplog.clear()
        late()
        late()
        assert caplog.text.count("has ended before") <= 1
    (file,) = tmp_path.glob("spool/*/lines/*.jsonl")
    assert [json.loads(line)["op"] for line in file.read_text().splitlines()][-2:] == ["end", "pause"]


def test_system_metrics(tracking: TrackingClient, run_name: DagRunName) -> None:
    with tracking.step(StepName(run_name, "train")) as run, run.system_metrics(0.05):
        pass
    assert tracking.flush() == 0
    (metrics,) = [run.metrics for run in all_runs(tracking, run_name) if run.metrics]
    assert metrics["system/system_memory_usage_megabytes"] > 0
