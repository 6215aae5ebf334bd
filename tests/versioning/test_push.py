"""Tests of pushed objects in DVC remotes, checked by the real dvc in a fresh clone."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from airflow_mlcraft.store.store import Store
from airflow_mlcraft.versioning.push import Remote
from tests.versioning.repositories import dvc, git, version

FOLDER = {"x": "x", "y": "yy"}


@pytest.fixture
def remote(repo: Path, tmp_path: Path) -> Path:
    """A local folder as the default remote."""
    dvc(repo, "remote", "add", "--quiet", "--default", "there", str(tmp_path / "remote"))
    git(repo, "commit", "--quiet", "-am", "Have a remote")
    return tmp_path / "remote"


def clone(repo: Path) -> Path:
    git(repo.parent, "clone", "--quiet", str(repo), "clone")
    return repo.parent / "clone"


def objects(remote: Path) -> int:
    return len([path for path in remote.rglob("*") if path.is_file()])


def test_dvc_agrees_in_a_fresh_clone(repo: Path, store: Store, remote: Path) -> None:
    first = version(repo, store, {"data/a.csv": "1\n", "model": FOLDER, "same": "1"})
    assert first.pushed == 5
    second = version(repo, store, {"data/a.csv": "2\n", "model": {**FOLDER, "z": "z"}, "same": "1"})
    assert second.pushed == 3
    assert dvc(repo, "status", "--cloud") == "Cache and remote 'there' are in sync.\n"
    fresh = clone(repo)
    assert "not in cache:" in dvc(fresh, "status")
    dvc(fresh, "pull")
    assert (fresh / "data" / "a.csv").read_text() == "2\n"
    assert {path.name: path.read_text() for path in (fresh / "model").iterdir()} == {**FOLDER, "z": "z"}
    assert dvc(fresh, "status") == "Data and pipelines are up to date.\n"
    found = json.loads(dvc(fresh, "diff", "--json", first.commit, second.commit))
    assert [item["path"] for item in found["modified"]] == ["data/a.csv", "model/"]
    assert [item["path"] for item in found["added"]] == ["model/z"]
    assert found["deleted"] == []
    git(fresh, "checkout", "--quiet", first.commit)
    dvc(fresh, "pull")
    assert (fresh / "data" / "a.csv").read_text() == "1\n"
    git(fresh, "checkout", "--quiet", "main")
    dvc(fresh, "checkout")
    assert (fresh / "data" / "a.csv").read_text() == "2\n"
    assert git(fresh, "status", "--porcelain") == git(repo, "status", "--porcelain") == ""


def test_dvc_add_and_we_take_turns(repo: Path, store: Store, remote: Path) -> None:
    version(repo, store, {"a": "1"})
    (repo / "a").unlink()
    (repo / "a").write_text("theirs")
    (repo / "b").write_text("theirs")
    dvc(repo, "add", "--quiet", "a", "b")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "Theirs")
    version(repo, store, {"a": "2", "b": "2"})
    assert dvc(repo, "status") == "Data and pipelines are up to date.\n"
    assert git(repo, "status", "--porcelain") == ""


def test_what_a_remote_refuses_is_pushed_by_the_next_run(repo: Path, store: Store, remote: Path) -> None:
    remote.write_text("a file where the folder should be")
    refused = version(repo, store, {"a": "1", "folder": FOLDER})
    assert "could not be pushed to the DVC remote there" in refused.refusal
    assert "the next run, or `dvc push`, pushes it" in refused.refusal
    assert refused.pushed is None
    assert git(repo, "log", "-1", "--format=%H") == refused.commit
    assert dvc(repo, "status") == "Data and pipelines are up to date.\n"
    again = version(repo, store, {"a": "2"})
    assert again.refusal
    remote.unlink()
    then = version(repo, store, {"other": "3"})
    assert (then.refusal, then.pushed) == ("", 6), "1, 2, 3, and the folder with its two files"
    fresh = clone(repo)
    git(fresh, "checkout", "--quiet", refused.commit)
    dvc(fresh, "pull")
    assert (fresh / "a").read_text() == "1"
    assert (fresh / "folder" / "y").read_text() == "yy"


def test_a_run_without_changes_pushes_what_is_left(repo: Path, store: Store, remote: Path) -> None:
    remote.write_text("")
    assert version(repo, store, {"a": "1"}).refusal
    remote.unlink()
    assert version(repo, store, {"a": "1"}).pushed == 1
    assert version(repo, store, {"a": "1"}).pushed == 0
    shutil.rmtree(remote)
    assert version(repo, store, {"a": "1"}).pushed == 1


def test_the_pointers_own_wishes(repo: Path, store: Store, remote: Path, tmp_path: Path) -> None:
    dvc(repo, "remote", "add", "--quiet", "second", str(tmp_path / "second"))
    version(repo, store, {"a": "1", "b": "1"})
    before = objects(remote)
    (repo / "a.dvc").write_text((repo / "a.dvc").read_text() + "  remote: second\n")
    (repo / "b.dvc").write_text((repo / "b.dvc").read_text() + "  push: false\n")
    git(repo, "commit", "--quiet", "-am", "Elsewhere")
    version(repo, store, {"a": "2", "b": "3"})
    assert objects(remote) == before
    assert objects(tmp_path / "second") == 1


def test_without_a_remote_nothing_is_pushed(repo: Path, store: Store) -> None:
    made = version(repo, store, {"a": "1"})
    assert (made.pushed, made.refusal) == (None, "")


def test_a_remote_that_is_not_there(repo: Path, store: Store) -> None:
    made = version(repo, store, {"a": "1"}, remote=Remote("nowhere"))
    assert "nowhere" in made.refusal


def test_nobody_waits_for_the_lock_of_dvc(repo: Path, store: Store, remote: Path) -> None:
    from dvc.repo import Repo

    with Repo(str(repo)).lock:
        assert version(repo, store, {"a": "1"}).pushed == 1


# ---- A bucket


def test_a_bucket(repo: Path, store: Store, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dvc_s3")
    import boto3

    keys = {"access_key_id": "the-key", "secret_access_key": "the-secret"}
    client = boto3.client(
        "s3",
        endpoint_url=s3_endpoint,
        aws_access_key_id="the-key",
        aws_secret_access_key="the-secret",
        region_name="us-east-1",
    )
    dvc(repo, "remote", "add", "--quiet", "--default", "bucket", "s3://data/iris")
    dvc(repo, "remote", "modify", "--quiet", "bucket", "endpointurl", s3_endpoint)
    git(repo, "commit", "--quiet", "-am", "Have a bucket")
    refused = version(repo, store, {"a": "1", "folder": FOLDER}, remote=Remote(options=keys))
    assert "the DVC remote bucket" in refused.refusal, "there is no such bucket yet"
    assert "the-secret" not in refused.refusal
    client.create_bucket(Bucket="data")
    made = version(repo, store, {"a": "1", "folder": FOLDER}, remote=Remote(options=keys))
    assert (made.refusal, made.pushed) == ("", 4)
    assert len(client.list_objects_v2(Bucket="data")["Contents"]) == 4
    assert made.pushed == 4
    written = [path for path in (repo / ".dvc").rglob("*") if path.is_file() and path.stat().st_size < 1 << 20]
    assert not any(b"the-secret" in path.read_bytes() for path in written)
    assert "the-secret" not in repr(Remote(options=keys))
    fresh = clone(repo)
    monkeypatch.setitem(os.environ, "AWS_ACCESS_KEY_ID", "the-key")
    monkeypatch.setitem(os.environ, "AWS_SECRET_ACCESS_KEY", "the-secret")
    dvc(fresh, "pull")
    assert (fresh / "folder" / "y").read_text() == "yy"
    assert dvc(fresh, "status") == "Data and pipelines are up to date.\n"
