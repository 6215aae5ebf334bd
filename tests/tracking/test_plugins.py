"""Tests of the MLflow plugins: DVC as a dataset source, and the tags of a task."""

from __future__ import annotations

from pathlib import Path

import mlflow.data
import pytest
from mlflow.data.dataset_source_registry import resolve_dataset_source

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.store.store import Store
from airflow_mlcraft.tracking import tags
from airflow_mlcraft.tracking.mlflow_plugins import DvcSource


def test_a_file_is_fetched_from_the_store(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    md5 = store.add_bytes(b"a,b\n")
    source = DvcSource(md5, "data/iris.csv", str(tmp_path / "store"))
    fetched = Path(source.load(str(tmp_path / "here")))
    assert (fetched.name, fetched.read_text()) == ("iris.csv", "a,b\n")
    assert DvcSource.from_json(source.to_json()).to_dict() == source.to_dict()


def test_a_folder_is_fetched_from_a_remote(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("a")
    remote = (tmp_path / "remote").as_uri()
    oid = Store(tmp_path / "store", remote=remote).add_folder(tmp_path / "data")
    fetched = Path(DvcSource(oid, "data", remote).load(str(tmp_path / "here")))
    assert (fetched / "a.txt").read_text() == "a"


def test_a_source_without_a_place_says_so() -> None:
    with pytest.raises(MlcraftError, match="without the place"):
        DvcSource("d" * 32).load()


def test_mlflow_knows_the_source() -> None:
    found = resolve_dataset_source(f"dvc://{'d' * 32}/data/iris.csv")
    assert isinstance(found, DvcSource)
    assert (found.md5, found.path) == ("d" * 32, "data/iris.csv")


def test_runs_of_the_users_own_code_carry_the_names_of_the_task(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CTX_DAG_ID", "iris")
    monkeypatch.setenv("AIRFLOW_CTX_TASK_ID", "train")
    monkeypatch.setenv("AIRFLOW_CTX_DAG_RUN_ID", "manual__1")
    monkeypatch.setenv("AIRFLOW_CTX_TRY_NUMBER", "2")
    mlflow.set_tracking_uri(database)
    with mlflow.start_run() as run:
        pass
    found = mlflow.get_run(run.info.run_id).data.tags
    assert found.items() >= {tags.DAG: "iris", tags.TASK: "train", tags.RUN: "manual__1", tags.TRY: "2"}.items()
