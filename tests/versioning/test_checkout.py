"""Tests of data checked out in the repository's folder, and of objects in its cache."""

from __future__ import annotations

import os
import resource
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_mlcraft.errors import StoreError
from airflow_mlcraft.store.store import Store
from tests.versioning.repositories import data, dvc, git, version

FOLDER = {"x": "x", "y": "yy"}


def inode(path: Path) -> int:
    return path.stat().st_ino


def is_read_only(path: Path) -> bool:
    return not path.stat().st_mode & 0o222


def up_to_date(repo: Path) -> bool:
    return dvc(repo, "status") == "Data and pipelines are up to date.\n"


def test_store_cache_and_folder_are_the_same_file(repo: Path, store: Store) -> None:
    version(repo, store, {"a": "1", "data/folder": FOLDER})
    (oid,) = [store.add_bytes(b"1")]
    cached = repo / ".dvc" / "cache" / "files" / "md5" / oid[:2] / oid[2:]
    assert inode(repo / "a") == inode(cached) == inode(store.path_of(oid))
    assert is_read_only(repo / "data" / "folder" / "x")
    assert up_to_date(repo)


@pytest.mark.parametrize("way", ["symlink", "copy", "hardlink,copy", "reflink,copy"])
def test_links_of_the_repositorys_own_kind(way: str, repo: Path, store: Store) -> None:
    dvc(repo, "config", "cache.type", way)
    version(repo, store, {"a": "1", "folder": FOLDER})
    file = repo / "folder" / "x"
    assert file.is_symlink() == (way == "symlink")
    own = way in ("copy", "reflink,copy")
    assert stat.S_IMODE(file.stat().st_mode) == (0o644 if own else 0o444)
    if own:
        file.write_text("mine")
        assert store.path_of(store.add_bytes(b"x")).read_text() == "x"
    else:
        assert up_to_date(repo)


def test_a_version_takes_the_place_of_the_last(repo: Path, store: Store) -> None:
    for content in ("1", FOLDER, {"z": "z"}, "2", ""):
        version(repo, store, {"a": content})
        place = repo / "a"
        found = {path.name: path.read_text() for path in place.iterdir()} if place.is_dir() else place.read_text()
        assert found == content
    assert up_to_date(repo)
    assert list((repo / ".dvc" / "tmp" / "mlcraft" / "tmp").iterdir()) == []


def test_changes_of_the_users_stay(repo: Path, store: Store, caplog: pytest.LogCaptureFixture) -> None:
    version(repo, store, {"a": "1", "folder": FOLDER})
    (repo / "a").unlink()
    (repo / "a").write_text("mine")
    (repo / "folder" / "more").write_text("mine")
    version(repo, store, {"a": "2", "folder": {"x": "new"}})
    assert (repo / "a").read_text() == "mine"
    assert (repo / "folder" / "more").read_text() == "mine"
    assert "dvc checkout --force a.dvc" in caplog.text
    dvc(repo, "checkout", "--force")
    assert (repo / "a").read_text() == "2"
    assert {path.name for path in (repo / "folder").iterdir()} == {"x"}


def test_what_is_gone_comes_back(repo: Path, store: Store) -> None:
    version(repo, store, {"a": "1"})
    (repo / "a").unlink()
    version(repo, store, {"a": "1"})
    assert (repo / "a").read_text() == "1"


def test_without_checkout_the_folder_has_pointers_only(repo: Path, store: Store) -> None:
    version(repo, store, {"a": "1", "folder": FOLDER}, checkout=False)
    assert not (repo / "a").exists()
    dvc(repo, "checkout")
    assert (repo / "folder" / "y").read_text() == "yy"


def test_a_shared_cache_elsewhere(repo: Path, store: Store, tmp_path: Path) -> None:
    dvc(repo, "cache", "dir", str(tmp_path / "shared"))
    version(repo, store, {"a": "1"})
    assert not (repo / ".dvc" / "cache").exists()
    assert len(list((tmp_path / "shared" / "files").rglob("*/*/*"))) == 1
    assert up_to_date(repo)


def test_the_store_may_be_the_cache(repo: Path) -> None:
    store = Store(repo / ".dvc" / "cache")
    version(repo, store, {"folder": FOLDER})
    assert up_to_date(repo)


def test_a_half_object_of_somebody_elses_is_replaced(repo: Path, store: Store) -> None:
    oid = data(store, "whole").oid
    cached = repo / ".dvc" / "cache" / "files" / "md5" / oid[:2] / oid[2:]
    cached.parent.mkdir(parents=True)
    cached.write_text("wh")
    version(repo, store, {"a": "whole"})
    assert (repo / "a").read_text() == "whole"
    assert is_read_only(cached)


# ---- No room

MEGABYTE = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("file systems can only be mounted by root")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_cache_on_another_disk_has_copies(repo: Path, store: Store, small_disk: Path) -> None:
    dvc(repo, "cache", "dir", str(small_disk / "cache"))
    version(repo, store, {"folder": FOLDER})
    assert up_to_date(repo)
    assert all(is_read_only(path) for path in (small_disk / "cache").rglob("*/md5/*/*"))


def test_a_full_disk(repo: Path, store: Store, small_disk: Path) -> None:
    dvc(repo, "cache", "dir", str(small_disk / "cache"))
    head = git(repo, "rev-parse", "HEAD")
    contents = {"small": "1", "large": "2" * 3 * MEGABYTE, "larger": {"x": "3" * 3 * MEGABYTE, "y": "y"}}
    with pytest.raises(StoreError, match=rf"Cannot bring data into the cache at {small_disk}.*no room"):
        version(repo, store, contents)
    assert git(repo, "rev-parse", "HEAD") == head
    assert not (repo / "small").exists()
    kept = Store(small_disk / "cache")
    objects = [path for path in (small_disk / "cache" / "files").rglob("*") if path.is_file()]
    assert all(kept.add_file(path) == path.parent.name + path.name for path in objects), "each is whole"
    assert [path for path in (small_disk / "cache" / "tmp").iterdir() if path.is_file()] == []
    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    version(repo, store, contents)
    assert up_to_date(repo)


def test_a_store_on_a_full_disk(tmp_path: Path, small_disk: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 6 * MEGABYTE)
    store = Store(small_disk / "store")
    with pytest.raises(StoreError, match=r"Cannot keep .*no room"):
        store.add_file(tmp_path / "large")
    assert [path for path in (small_disk / "store").rglob("*") if path.is_file()] == []


def test_a_file_that_may_not_grow(repo: Path, store: Store, tmp_path: Path) -> None:
    """The same wherever there is no root: the system ends a file at a limit."""
    there = Path("/dev/shm")
    if not there.is_dir() or there.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system")
    cache = there / f"mlcraft-{os.getpid()}"
    dvc(repo, "cache", "dir", str(cache))
    made = data(store, "2" * MEGABYTE)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (MEGABYTE // 2, limit[1]))
        with pytest.raises(StoreError, match="there is no room"):
            Store(cache).copy_from([made.oid], store)
        assert [path for path in cache.rglob("*") if path.is_file()] == []
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        shutil.rmtree(cache, ignore_errors=True)
