from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.hooks.dvc import DvcHook, is_push_failure_fatal, open_versioning
from airflow_mlcraft.store.store import Store
from tests.versioning.repositories import ABOUT, data, git, repository

pytestmark = pytest.mark.every_airflow


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = repository(tmp_path_factory.mktemp("hook") / "iris")
    (made / "documents").mkdir()
    return made


def connect(monkeypatch: pytest.MonkeyPatch, **fields: object) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_MINE", json.dumps({"conn_type": "dvc", **fields}))


def test_the_repository_around_a_document(repo: Path) -> None:
    found = open_versioning(repo / "documents", logging.getLogger().log)
    assert (found.repository.root, found.repository.name, found.checkout) == (repo, "iris", True)


def test_the_repository_of_the_setting(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        MlcraftError, match=r"`git init && dvc init` .* or name a repository with \[mlcraft\] data_repo"
    ):
        open_versioning(tmp_path, logging.getLogger().log)
    monkeypatch.setenv("AIRFLOW__MLCRAFT__DATA_REPO", str(repo))
    monkeypatch.setenv("AIRFLOW__MLCRAFT__DATA_CHECKOUT", "False")
    found = open_versioning(tmp_path, logging.getLogger().log)
    assert (found.repository.root, found.checkout) == (repo, False)


def test_a_connection_to_a_folder(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"remote": "there", "url": str(tmp_path / "remote")}
    connect(monkeypatch, host=str(repo), extra=extra)
    monkeypatch.setenv("AIRFLOW__MLCRAFT__DATA_CONN_ID", "mine")
    versioning = open_versioning(tmp_path, logging.getLogger().log)
    store = Store(tmp_path / "store")
    made = versioning.version_data({"a": data(store, "1")}, store, message_fields=ABOUT)
    assert (made.pushed, made.refusal) == (1, ""), "the remote is in the connection alone"
    assert (repo / ".dvc" / "config").read_text() == ""
    assert DvcHook("mine").test_connection() == (True, "iris is a DVC repository")


def test_a_connection_to_a_url(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(repo), "far.git")
    connect(monkeypatch, host=(tmp_path / "far.git").as_uri())
    monkeypatch.setenv("AIRFLOW__MLCRAFT__DATA_CLONES", str(tmp_path / "clones"))
    versioning, store = DvcHook("mine").get_conn(), Store(tmp_path / "store")
    made = versioning.version_data({"far": data(store, "1")}, store, message_fields=ABOUT)
    assert git(tmp_path / "far.git", "rev-parse", "HEAD") == made.commit
    assert not (versioning.repository.root / "far").exists(), "nobody works there"


def test_connections_that_lead_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch)
    with pytest.raises(MlcraftError, match="the connection mine has no host; expected the folder of a repository"):
        DvcHook("mine").get_conn()
    connect(monkeypatch, host=str(tmp_path / "gone"))
    assert DvcHook("mine").test_connection() == (False, f"there is no folder {tmp_path / 'gone'} for versions of data")


def test_a_password_is_for_git_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, host="http://127.0.0.1:9/iris.git", login="me", password="hidden-word")
    monkeypatch.setenv("AIRFLOW__MLCRAFT__DATA_CLONES", str(tmp_path / "clones"))
    reached, why = DvcHook("mine").test_connection()
    assert not reached
    assert "git clone" in why
    assert "hidden-word" not in why


def test_a_uri_that_airflow_takes_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_mlcraft.hooks.dvc import _repository_address

    monkeypatch.setenv("AIRFLOW_CONN_MINE", "dvc://me:word@git.example/team%2Firis.git")
    assert _repository_address(DvcHook.get_connection("mine")) == "https://git.example/team/iris.git"


def test_push_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_push_failure_fatal()
    monkeypatch.setenv("AIRFLOW__MLCRAFT__PUSH_FAILURES", "fail")
    assert is_push_failure_fatal()
    monkeypatch.setenv("AIRFLOW__MLCRAFT__PUSH_FAILURES", "cry")
    with pytest.raises(MlcraftError, match="push_failures is 'cry', expected fail or warn"):
        is_push_failure_fatal()
