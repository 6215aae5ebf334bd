"""Tests of a tracking server that is down or slow: no task fails, and no record is lost or duplicated."""

from __future__ import annotations

import json
import threading
import time
from functools import partial
from pathlib import Path
from shutil import rmtree

import pytest

from airflow_mlcraft.tracking import tags
from airflow_mlcraft.tracking.client import TrackingClient
from airflow_mlcraft.tracking.names import DagRunName, StepName
from airflow_mlcraft.tracking.spool.delivery import Deliverer
from tests.tracking.conftest import ENOUGH, wait_until
from tests.tracking.server import Proxy, Server, free_port
from tests.tracking.test_client import all_runs, by_task
from tests.tracking.test_models import fitted_model


def test_a_server_that_is_killed_in_mid_run_and_comes_back(
    server: Server, server_tracking: TrackingClient, run_name: DagRunName, caplog: pytest.LogCaptureFixture
) -> None:
    server_tracking.begin(run_name, params={"seed": 1})
    with server_tracking.step(StepName(run_name, "train", 0)) as run:
        run.metric("accuracy", 0.1, 0)
        run.params({"trees": 1})
        wait_until(lambda: server_tracking.wait_for_run_id(StepName(run_name, "train", 0), 0))
        server.kill()
        run.metric("accuracy", 0.2, 1)
        run.text("said meanwhile", "notes.txt")
    for item in (1, 2):
        with server_tracking.step(StepName(run_name, "train", item)) as run:
            run.metric("accuracy", 0.5 + item)
    server_tracking.end(run_name)
    wait_until(server_tracking.spool.read_delivery_error)
    assert server_tracking.flush(0) > 0
    assert "still to be sent" in caplog.text
    with server_tracking.step(StepName(run_name, "late")):
        pass
    assert "kept in" in caplog.text
    server.start()
    assert server_tracking.flush(ENOUGH) == 0

    found = by_task(all_runs(server_tracking, run_name))
    assert set(found) == {("", -1), ("train", 0), ("train", 1), ("train", 2), ("late", -1)}
    assert {run.status for run in found.values()} == {"FINISHED"}
    assert len(all_runs(server_tracking, run_name)) == len(found)
    import mlflow

    history = mlflow.MlflowClient(server_tracking.uri).get_metric_history(found["train", 0].id, "accuracy")
    assert [(metric.step, metric.value) for metric in history] == [(0, 0.1), (1, 0.2)]


def test_a_file_that_can_never_be_delivered_is_set_aside_and_named(
    server_tracking: TrackingClient, run_name: DagRunName, caplog: pytest.LogCaptureFixture
) -> None:
    """Each delivery is tried by another process, as on workers whose disk is deleted with them."""
    writer = server_tracking.spool.writer("poison")
    writer.write({"op": "run", "key": "poison"})
    writer.close()
    with server_tracking.step(StepName(run_name, "train")) as run:
        run.metric("accuracy", 1)
    for _ in range(10):
        Deliverer(server_tracking.spool, server_tracking.api()).deliver_all()
    assert server_tracking.flush() == 0
    (kept,) = server_tracking.spool.list_recently_set_aside()
    assert json.loads(kept.read_text())["key"] == "poison"
    assert "KeyError" in kept.with_suffix(".reason").read_text()
    assert list((server_tracking.spool.root / "tries").iterdir()) == []
    with server_tracking.step(StepName(run_name, "later")):
        pass
    assert str(kept) in caplog.text
    server_tracking.flush()
    assert set(by_task(all_runs(server_tracking, run_name))) >= {("train", -1), ("later", -1)}


def test_a_record_that_lacks_something_is_refused_alone(server_tracking: TrackingClient, run_name: DagRunName) -> None:
    with server_tracking.step(StepName(run_name, "train")) as run:
        run._append({"op": "input"})
        run.metric("accuracy", 1)
    assert server_tracking.flush() == 0
    found = by_task(all_runs(server_tracking, run_name))["train", -1]
    assert (found.status, found.metrics["accuracy"]) == ("FINISHED", 1)
    assert list((server_tracking.spool.root / "refused").glob("*.jsonl"))


def test_a_registration_without_its_model_keeps_nothing_else(
    server_tracking: TrackingClient, run_name: DagRunName, tmp_path: Path
) -> None:
    folder, name = fitted_model(tmp_path), f"model_{run_name.dag_id}"
    with server_tracking.step(StepName(run_name, "evaluate")) as run:
        run.register(name, content="0123", champion=True)
        run.metric("accuracy", 1)
    wait_until(lambda: server_tracking.wait_for_run_id(StepName(run_name, "evaluate"), 0))

    def has_ended() -> bool:
        found = by_task(all_runs(server_tracking, run_name)).get(("evaluate", -1))
        return found is not None and (found.status, dict(found.metrics)) == ("FINISHED", {"accuracy": 1})

    wait_until(has_ended)
    assert len(server_tracking.spool.list_closed()) == 1, "the registration waits for its model"
    with server_tracking.step(StepName(run_name, "train")) as run:
        run.model(folder, content="0123")
    assert server_tracking.flush(ENOUGH) == 0
    version = server_tracking.api().get_version_by_alias(name, "champion")
    assert version is not None
    assert has_ended()


def test_a_server_that_was_never_there(run_name: DagRunName, tmp_path: Path) -> None:
    tracking = TrackingClient(f"http://127.0.0.1:{free_port()}", spool=tmp_path / "spool", wait=True, limit=0.5)
    with tracking.step(StepName(run_name, "train")) as run:
        run.metric("accuracy", 1)
    assert len(tracking.spool.list_pending()) == 1
    assert "refused" in str(tracking.spool.read_delivery_error())


def test_a_server_that_stalls_holds_a_waiting_step_no_longer_than_the_limit(
    proxy: Proxy, run_name: DagRunName, tmp_path: Path
) -> None:
    proxy.mode = "stall"
    tracking = TrackingClient(proxy.uri, spool=tmp_path / "spool", wait=True, limit=1)
    begun = time.monotonic()
    with tracking.step(StepName(run_name, "train")) as run:
        run.metric("accuracy", 1)
    # Far less than what the server would take, which is for ever.
    assert time.monotonic() - begun < 60
    assert len(tracking.spool.list_pending()) == 1
    proxy.mode = "pass"
    tracking.limit = ENOUGH
    wait_until(lambda: tracking.flush() == 0)
    assert [run.status for run in all_runs(tracking, run_name)].count("FINISHED") == 1


def test_what_a_worker_could_not_send_is_sent_by_another(
    server_tracking: TrackingClient, proxy: Proxy, run_name: DagRunName, tmp_path: Path
) -> None:
    """The disk of the first worker is deleted before the second one sends."""
    proxy.mode = "stall"
    pod = TrackingClient(proxy.uri, spool=tmp_path / "pod", wait=True, limit=0.2)
    with pod.step(StepName(run_name, "train")) as run:
        run.metric("accuracy", 1)
        run.text("kept", "notes/a.txt")
    parcel = pod.pack()
    # What still tries to send ends with a pod; this process goes on.
    wait_until(lambda: not any(thread.name == "tracking" for thread in threading.enumerate()))
    rmtree(tmp_path / "pod")
    for _ in range(2):
        server_tracking.adopt(parcel)
        assert server_tracking.flush() == 0
    found = by_task(all_runs(server_tracking, run_name))["train", -1]
    assert (found.status, found.metrics) == ("FINISHED", {"accuracy": 1})
    assert len(all_runs(server_tracking, run_name)) == 2
    assert server_tracking.pack() == b""


def has_delivered_all(tracking: TrackingClient) -> bool:
    return tracking.flush() == 0


@pytest.mark.heavy
def test_answers_that_are_lost_leave_nothing_twice(
    proxy: Proxy, run_name: DagRunName, tmp_path: Path, server: Server
) -> None:
    """The response to every second request of a delivery is lost, although the request took effect."""
    direct = TrackingClient(server.uri, spool=tmp_path / "unused")
    folder = fitted_model(tmp_path)
    losses = 0
    for number in range(0, 80, 2):
        spool = tmp_path / f"spool{number}"
        item = StepName(DagRunName(f"{run_name.dag_id}_{number}", "manual__1"), "train")
        tracking = TrackingClient(proxy.uri, spool=spool, wait=True, limit=0)
        with tracking.step(item) as run:
            run.params({"trees": 1})
            run.metric("accuracy", 1)
            run.dataset("iris.csv", md5="d" * 32)
            run.text("text", "a.txt")
            run.model(folder)
            run.register(f"model_{item.dag_run.dag_id}", champion=True)
        lost_before = proxy.lost
        proxy.drop = number + 1
        tracking.limit = ENOUGH
        wait_until(partial(has_delivered_all, tracking))
        proxy.drop = 0
        if proxy.lost == lost_before:
            break
        losses += 1
        found = by_task(all_runs(direct, item.dag_run))
        assert len(all_runs(direct, item.dag_run)) == 2
        stored = found["train", -1]
        assert (stored.status, stored.params, stored.metrics) == ("FINISHED", {"trees": "1"}, {"accuracy": 1.0})
        assert (len(stored.datasets), len(stored.models)) == (1, 1)
        (version,) = direct.api().list_versions(f"model_{item.dag_run.dag_id}")
        assert version.tags[tags.RUN] == "manual__1"
        assert len(direct.api().find_models(stored.experiment_id, version.tags[tags.CONTENT])) == 1
    assert losses > 8
