"""Tests of errors for data that cannot be versioned: the message gives the reason, and nothing is changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_mlcraft.errors import StoreError, VersioningError
from airflow_mlcraft.store.store import Store
from airflow_mlcraft.versioning.data_paths import find_overlap, find_path_fault
from airflow_mlcraft.versioning.repository import find_repository
from tests.versioning.repositories import dvc, git, repository, version


@pytest.fixture(autouse=True)
def nothing_is_committed(request: pytest.FixtureRequest) -> Iterator[None]:
    if "repo" not in request.fixturenames:
        yield
        return
    repo: Path = request.getfixturevalue("repo")
    yield
    assert "Version" not in git(repo, "log", "--all", "--format=%s")


def refused(repo: Path, store: Store, *paths: str) -> str:
    with pytest.raises(VersioningError) as caught:
        version(repo, store, dict.fromkeys(paths or ["a"], "1"))
    return str(caught.value)


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../out", "a/../../out", "a//b", "./a", "a/", ".git/config", "a/.GIT/b", ".dvc/x",
     "a/.gitignore", "a.dvc", "dvc.yaml", "a\nb", "a\\b", "a\0b"],
)  # fmt: skip
def test_paths_that_cannot_be(path: str, repo: Path, store: Store) -> None:
    assert find_path_fault(path)
    assert "cannot be the path of data" in refused(repo, store, path)


def test_paths_that_can_be() -> None:
    assert not any(map(find_path_fault, ["a", "data/raw.csv", "models/iris v2", "ü/é", "...", ".hidden"]))
    assert find_overlap(["a", "a-b", "a/b", "b"]) == ("a", "a/b")
    assert find_overlap(["a", "a"]) == ("a", "a")
    assert find_overlap(["a", "ab", "a b/c", "b/a"]) is None


def test_paths_of_one_run_that_overlap(repo: Path, store: Store) -> None:
    assert "data and data/raw overlap" in refused(repo, store, "data/raw", "data")


def test_what_git_tracks(repo: Path, store: Store) -> None:
    (repo / "src").mkdir()
    (repo / "src" / "code.py").write_text("1")
    (repo / "staged").write_text("1")
    git(repo, "add", "src")
    git(repo, "commit", "--quiet", "-m", "Code")
    git(repo, "add", "staged")
    assert "src is tracked by git (src/code.py)" in refused(repo, store, "src")
    assert "git rm -r --cached src/code.py" in refused(repo, store, "src/code.py")
    assert "staged is tracked by git" in refused(repo, store, "staged")
    assert "src/code.py is a file in git" in refused(repo, store, "src/code.py/data")


def test_what_dvc_tracks_around_or_below(repo: Path, store: Store) -> None:
    (repo / "data" / "deep").mkdir(parents=True)
    (repo / "data" / "deep" / "x").write_text("x")
    (repo / "made").write_text("x")
    dvc(repo, "add", "--quiet", "data/deep")
    (repo / "dvc.yaml").write_text(
        "stages:\n  make:\n    cmd: 'true'\n    outs: [made]\n    metrics: [{m.json: {cache: false}}]\n"
    )
    git(repo, "add", "data", "dvc.yaml")
    git(repo, "commit", "--quiet", "-m", "Data")
    assert "data overlaps with data/deep, which data/deep.dvc tracks" in refused(repo, store, "data")
    assert "data/deep/x/y overlaps with data/deep" in refused(repo, store, "data/deep/x/y")
    assert "made is an output of a stage in dvc.yaml" in refused(repo, store, "made")
    assert "m.json is an output of a stage" in refused(repo, store, "m.json")


def test_an_import(repo: Path, store: Store, tmp_path: Path) -> None:
    (tmp_path / "source").write_text("x")
    dvc(repo, "import-url", "--quiet", str(tmp_path / "source"), "raw")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "Import")
    assert "raw is imported by raw.dvc" in refused(repo, store, "raw")


def test_a_pointer_that_git_would_ignore(repo: Path, store: Store) -> None:
    (repo / ".gitignore").write_text("data/\n")
    assert "git ignores data/a.dvc" in refused(repo, store, "data/a")


def test_links_that_lead_out(repo: Path, store: Store, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (repo / "link").symlink_to(tmp_path / "outside")
    assert f"link is a link to {tmp_path / 'outside'}" in refused(repo, store, "link/a")
    assert not list((tmp_path / "outside").iterdir())


def test_other_repositories_inside(repo: Path, store: Store, tmp_path: Path) -> None:
    other = repository(tmp_path / "other")
    git(repo, "submodule", "--quiet", "add", str(other), "module")
    git(repo, "commit", "--quiet", "-m", "Module")
    assert "lies in the git submodule module" in refused(repo, store, "module/a")
    (repo / "sub" / ".dvc").mkdir(parents=True)
    assert "lies in another DVC repository, sub" in refused(repo, store, "sub/a")


def test_a_file_of_the_users_at_a_new_path(repo: Path, store: Store) -> None:
    (repo / "a").write_text("mine")
    assert "is there already, differs from what was made" in refused(repo, store, "a", "b")
    assert (repo / "a").read_text() == "mine"
    assert not (repo / "b").exists()


def test_no_branch(repo: Path, store: Store) -> None:
    git(repo, "checkout", "--quiet", "--detach")
    assert "has no branch checked out" in refused(repo, store)


def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(VersioningError, match=r"is in no git repository.*git init && dvc init"):
        find_repository(tmp_path)
    with pytest.raises(VersioningError, match="there is no folder"):
        find_repository(tmp_path / "gone")
    git(tmp_path, "init", "--quiet")
    with pytest.raises(VersioningError, match="no DVC repository: run `dvc init`"):
        find_repository(tmp_path)
    git(tmp_path, "init", "--quiet", "--bare", "bare")
    with pytest.raises(VersioningError, match="is a bare git repository"):
        find_repository(tmp_path / "bare")


def test_a_repository_around_dvc_only(tmp_path: Path) -> None:
    """DVC's folder above git's is another project."""
    (tmp_path / ".dvc").mkdir()
    (tmp_path / "code").mkdir()
    git(tmp_path / "code", "init", "--quiet")
    with pytest.raises(VersioningError, match="no DVC repository"):
        find_repository(tmp_path / "code")


def test_no_git(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", str(repo))
    with pytest.raises(VersioningError, match="there is no git on this worker"):
        find_repository(repo)
    monkeypatch.setenv("PATH", path)


def test_a_configuration_that_cannot_be_read(repo: Path, store: Store) -> None:
    (repo / ".dvc" / "config").write_text("[core\n")
    assert "the configuration of DVC in" in refused(repo, store)


def test_a_repository_that_cannot_be_written_to(repo: Path, store: Store) -> None:
    (repo / ".git" / "mlcraft.lock").mkdir()
    with pytest.raises(StoreError, match=r"Cannot version data in .*: Is a directory"):
        version(repo, store, {"a": "1"})
