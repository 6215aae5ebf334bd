"""DVC repositories in real git repositories, and a remote that is a folder."""

from __future__ import annotations

import hashlib
import logging
import subprocess
from pathlib import Path

import pytest
from dvc.config import RemoteNotFoundError
from dvc.data_cloud import DataCloud
from dvc.repo import Repo
from dvc_data.hashfile import transfer
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.transfer import TransferResult

from airflow_mlcraft.adapters.dvc import (
    DvcError,
    create_repository,
    download_from_repository,
    push_objects,
    read_config,
    set_default_remote,
)
from airflow_mlcraft.adapters.internals import DVC
from tests.adapters.attributes import assert_attribute


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    create_repository(folder)
    set_default_remote(folder / ".dvc", "there", str(tmp_path / "remote"), {})
    return folder


def add(repository: Path, name: str, text: str) -> str:
    """The hash of a file that DVC keeps in its cache from now on."""
    (repository / name).write_text(text)
    with Repo(str(repository)) as repo:
        repo.add(str(repository / name))
    return hashlib.md5(text.encode()).hexdigest()


@pytest.mark.parametrize("name", ["cloud", "cache"])
def test_a_repository_has_the_attribute(repository: Path, name: str) -> None:
    with Repo(str(repository)) as repo:
        assert_attribute(DVC, repo, name)
        assert_attribute(DVC, repo.cache, "local")


def test_a_new_repository_comes_without_hints(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    git(tmp_path, "init", "--quiet")
    level = logging.getLogger("dvc").level
    with caplog.at_level(logging.INFO):
        create_repository(tmp_path)
    assert (tmp_path / ".dvc" / "config").is_file()
    assert "You can now commit" not in caplog.text
    assert logging.getLogger("dvc").level == level


def test_a_folder_without_git_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DvcError, match="not tracked by any supported SCM"):
        create_repository(tmp_path)


def test_the_remote_is_in_the_configuration_and_its_options_in_the_local_one(repository: Path) -> None:
    set_default_remote(repository / ".dvc", "there", "https://example.org/data", {"user": "somebody"})
    found = read_config(repository / ".dvc")
    assert found["core"]["remote"] == "there"
    assert found["remote"]["there"]["url"] == "https://example.org/data"
    assert found["remote"]["there"]["user"] == "somebody"
    assert "somebody" not in (repository / ".dvc" / "config").read_text()
    assert "somebody" in (repository / ".dvc" / "config.local").read_text()


def test_a_configuration_that_cannot_be_read_is_an_error(repository: Path) -> None:
    (repository / ".dvc" / "config").write_text("[core\n")
    with pytest.raises(DvcError, match="config file error"):
        read_config(repository / ".dvc")
    with pytest.raises(DvcError):
        set_default_remote(repository / ".dvc", "there", "/tmp", {})


def test_pushed_objects_are_counted_once(repository: Path, tmp_path: Path) -> None:
    oid = add(repository, "a.csv", "1\n")
    assert push_objects(repository, "there", [oid], {}) == 1
    assert (tmp_path / "remote" / "files" / "md5" / oid[:2] / oid[2:]).read_text() == "1\n"
    assert push_objects(repository, "there", [oid], {}) == 0


def test_objects_that_are_refused_are_an_error_with_the_reason(
    repository: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """DVC logs the reason for each object, and returns the objects."""

    def refuse(
        cloud: DataCloud, source: object, target: object, objects: list[HashInfo], **_: object
    ) -> TransferResult:
        transfer.logger.error("failed", exc_info=PermissionError("the disk is full"))
        return TransferResult(transferred=set(), failed=set(objects))

    oid = add(repository, "a.csv", "1\n")
    monkeypatch.setattr(DataCloud, "transfer", refuse)
    with pytest.raises(OSError, match="1 objects were refused: PermissionError: the disk is full"):
        push_objects(repository, "there", [oid], {})
    assert "the disk is full" not in caplog.text, "the error is logged with its traceback"


def test_an_unknown_remote_is_an_error(repository: Path) -> None:
    with pytest.raises(RemoteNotFoundError, match="elsewhere"):
        push_objects(repository, "elsewhere", ["d" * 32], {})


def test_a_file_is_fetched_from_a_revision(repository: Path, tmp_path: Path) -> None:
    push_objects(repository, "there", [add(repository, "a.csv", "1\n")], {})
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "First")
    git(repository, "tag", "first")
    push_objects(repository, "there", [add(repository, "a.csv", "2\n")], {})
    git(repository, "commit", "--quiet", "--all", "--message", "Second")
    download_from_repository(str(repository), "a.csv", tmp_path / "fetched.csv", "first")
    assert (tmp_path / "fetched.csv").read_text() == "1\n"
