"""Tests of what is pruned and what stays, with a real store, repository and MLflow database."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.operators.reuse import ReuseCache
from airflow_mlcraft.pruning import items
from airflow_mlcraft.pruning.locations import Locations
from airflow_mlcraft.pruning.prune import DAY, Pruning, delete_items, plan_pruning
from airflow_mlcraft.store.store import Store
from airflow_mlcraft.store.values import STORE, store_value

MONTH = 30 * DAY


@pytest.fixture(autouse=True)
def missing_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of an MLflow database that does not exist yet."""
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("AIRFLOW__MLCRAFT__TRACKING_URI", uri)
    monkeypatch.setenv("AIRFLOW__MLCRAFT__TRACKING_SPOOL", str(tmp_path / "spool"))
    return uri


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def locations(store: Store) -> Locations:
    return Locations("here", store=store.root)


def plan_in_40_days(locations: Locations, **limits: float) -> Pruning:
    """Return the pruning as of 40 days from now, because the change time of a file cannot be set back."""
    return plan_pruning(locations, now=time.time() + 40 * DAY, **{"older_than": MONTH, **limits})  # type: ignore[arg-type]


def set_access_time(path: Path, days: float) -> None:
    """Set the last use of an object to `days` from now."""
    os.utime(path, (time.time() + days * DAY, path.stat().st_mtime))


def test_what_was_not_used_goes_and_what_was_stays(store: Store, locations: Locations) -> None:
    old, new = store.add_bytes(b"old"), store.add_bytes(b"new")
    set_access_time(store.path_of(new), 20)
    pruning = plan_in_40_days(locations)
    assert [item.oid for item in pruning.items] == [old]
    assert old in store
    assert [item.oid for item in delete_items(pruning).items] == [old]
    assert old not in store
    assert new in store


def test_nothing_goes_that_was_used_within_a_day(store: Store, locations: Locations) -> None:
    store.add_bytes(b"at work")
    assert plan_pruning(locations, older_than=0).items == ()
    assert plan_pruning(locations, keep=0).items == ()


def test_a_listing_that_stays_keeps_its_files(store: Store, locations: Locations, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    (folder / "b.txt").write_text("b")
    tree, lost = store.add_folder(folder), store.add_bytes(b"lost")
    set_access_time(store.path_of(tree), 39)
    pruning = plan_in_40_days(locations)
    assert [item.oid for item in pruning.items] == [lost]
    assert pruning.kept == {"a folder that stays": 2}
    delete_items(pruning)
    store.checkout(tree, tmp_path / "again")
    assert (tmp_path / "again" / "b.txt").read_text() == "b"


def test_what_is_used_between_the_look_and_the_deletion_stays(
    store: Store, locations: Locations, tmp_path: Path
) -> None:
    kept, linked, passed, lost = (store.add_bytes(name.encode()) for name in ("kept", "linked", "passed", "lost"))
    pruning = plan_in_40_days(locations)
    assert len(pruning.items) == 4
    time.sleep(0.05)
    store.add_bytes(b"kept")
    store.link(linked, tmp_path / "linked")
    store_value(store, {"class": "File", "basename": "x", "location": STORE + passed})
    assert [item.oid for item in delete_items(pruning).items] == [lost]
    assert all(oid in store for oid in (kept, linked, passed))


def test_what_a_dvc_file_of_any_commit_names_stays(store: Store, tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=repository, check=True, capture_output=True)

    repository = tmp_path / "repository"
    repository.mkdir()
    git("init")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "part.csv").write_text("1")
    first, tree, fresh, lost = (
        store.add_bytes(b"1"),
        store.add_folder(tmp_path / "data"),
        store.add_bytes(b"fresh"),
        store.add_bytes(b"lost"),
    )
    for oid in (first, tree):
        (repository / "data.csv.dvc").write_text(f"outs:\n- md5: {oid}\n  path: data.csv\n")
        git("add", ".")
        git("commit", "-m", "data")
    git("rm", "-q", "data.csv.dvc")
    git("commit", "-m", "gone")
    (repository / "new.csv.dvc").write_text(f"outs:\n- md5: {fresh}\n  path: new.csv\n")
    pruning = plan_in_40_days(Locations("here", store=store.root, repositories=(repository,)))
    assert [item.oid for item in pruning.items] == [lost]
    assert pruning.kept == {"a .dvc file": 3}


def test_what_a_registered_model_names_stays(store: Store, locations: Locations, missing_database: str) -> None:
    from mlflow import MlflowClient

    named, of_run, lost = store.add_bytes(b"named"), store.add_bytes(b"of run"), store.add_bytes(b"lost")
    client = MlflowClient(missing_database, missing_database)
    run = client.create_run("0", tags={"mlcraft.output.test": STORE + of_run})
    client.create_registered_model("iris")
    client.create_model_version("iris", "file:///nowhere", run.info.run_id, tags={"mlcraft.content": named})
    pruning = plan_in_40_days(locations)
    assert [item.oid for item in pruning.items] == [lost]
    assert pruning.kept == {"a registered model": 2}


def test_nothing_goes_while_the_registry_does_not_answer(
    store: Store, locations: Locations, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add_bytes(b"perhaps registered")
    monkeypatch.setenv("AIRFLOW__MLCRAFT__TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(MlcraftError, match="the registered models are not known, so nothing"):
        plan_in_40_days(locations)


def test_a_record_of_reuse_without_its_objects_is_a_miss(store: Store, locations: Locations, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    tree = store.add_folder(folder)
    reuse, ti = ReuseCache(store), SimpleNamespace(dag_id="d", run_id="r", task_id="t", map_index=-1)
    reuse.save("ab" * 32, {"out": {"class": "Directory", "basename": "made", "location": STORE + tree}}, ti)
    assert reuse.find("ab" * 32) is not None
    delete_items(plan_in_40_days(locations))
    assert not list(store.root.glob("reuse/*/*"))
    reuse.save("ab" * 32, {"out": {"class": "Directory", "basename": "made", "location": STORE + tree}}, ti)
    assert reuse.find("ab" * 32) is None
    store.add_listing([])
    store.add_folder(folder)
    (file,) = store.entries(tree)
    store.path_of(file.md5).unlink()
    assert reuse.find("ab" * 32) is None


def test_the_oldest_go_until_so_much_is_left(store: Store, locations: Locations) -> None:
    oids = [store.add_bytes(bytes([number]) * 1000) for number in range(6)]
    for days, oid in enumerate(oids, start=5):
        set_access_time(store.path_of(oid), days)
    pruning = plan_pruning(locations, keep=3500, now=time.time() + 40 * DAY)
    assert [item.oid for item in sorted(pruning.items, key=lambda item: item.last_used)] == oids[:3]
    assert plan_pruning(locations, keep=6000, now=time.time() + 40 * DAY).items == ()
    assert len(plan_pruning(locations, keep=0, now=time.time() + 40 * DAY).items) == 6


def test_all_that_runs_leave_behind(store: Store, tmp_path: Path) -> None:
    def make(path: str, text: str = "x") -> Path:
        made = tmp_path / path
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_text(text)
        return made

    document = make("cwl/there.cwl")
    plan, lost, tool = "a" * 64, "b" * 64, "c" * 64
    make("cache/documents/there.json", json.dumps({"sources": [{"path": str(document)}], "plan": plan}))
    make("cache/documents/gone.json", json.dumps({"sources": [{"path": "/no/such.cwl"}], "plan": lost}))
    make(f"cache/plans/{plan}.json", json.dumps({"tool": tool}))
    for path in (f"plans/{lost}", f"bases/{lost}", f"tools/{tool}", f"tools/{lost}"):
        make(f"cache/{path}.json", "{}")
    make("outputs/a_dag/a_run/out.txt")
    make("environments/0123/ready.json", "{}")
    make("environments/0123/lib/big.py")
    make("spool/0123/refused/2026-01-01.jsonl")
    make("spool/0123/runs/key")
    make("spool/0123/lines/waiting.jsonl")
    make("deployments/iris/predictions/predictions-0.1.jsonl")
    make("deployments/iris/models/abc/model.skops")
    make("deployments/iris/deployment.json")
    make("store/state/ab/abcd/trials.db")
    make("logs/train.log")
    locations = Locations(
        "here",
        store=store.root,
        outputs=str(tmp_path / "outputs" / "*" / "*"),
        cache=tmp_path / "cache",
        environments=tmp_path / "environments",
        spool=tmp_path / "spool",
        deployments=tmp_path / "deployments",
        logs=tmp_path / "logs",
    )
    gone = delete_items(plan_in_40_days(locations))
    assert gone.failures == ()
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {
        "cwl/there.cwl",
        "cache/documents/there.json",
        f"cache/plans/{plan}.json",
        f"cache/tools/{tool}.json",
        "spool/0123/lines/waiting.jsonl",
        "deployments/iris/models/abc/model.skops",
        "deployments/iris/deployment.json",
    }
    counted = gone.to_json(True)["kinds"]
    assert counted[items.PLAN]["deleted"] == 4
    assert counted[items.OUTPUTS] == {"all": 1, "deleted": 1, "bytes": 1}
